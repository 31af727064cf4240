public import Kernels

/// The row of attention that a policy wants to see for every query (POLICIES: taps T1 to T3).
public enum AttentionTap: Sendable {
    /// Structural policies look at positions only.
    case none
    /// The probabilities of the attention proper.
    case probabilities
    /// The scaled logits as softmax gets them, soft cap and position bias included, of which the store makes scores by
    /// `EvictionPolicy.noisySoftmax`.
    case logits
}

/// Where an observed row comes from.
public struct RowContext: Sendable {
    public let layer: Int
    /// Query head, over all heads of the layer.
    public let queryHead: Int
    /// Original position of the query.
    public let queryPosition: Int
    /// Forward call: 0 for the prompt, 1, 2, … for decode calls.
    public let call: Int
    /// Tokens to generate, T of the tau schedule.
    public let plannedTokens: Int
}

/// Why a plan is asked for.
public enum PlanEvent: Sendable, Equatable {
    /// The prompt stands in the lane in position order, from the first position on that the next query sees.
    case promptEnd
    /// One token was decoded into a full lane and one entry has to go.
    case step
}

/// What the store does with a lane. Plans name slots; the store moves the memory.
public enum EvictionPlan: Sendable, Equatable {
    /// Keeps these slots, in rising order of position; exactly as many as the budget.
    case keep([Int])
    /// Drops the entry in this slot; the lane's capacity stands for the token that was fed.
    case evict(slot: Int)
}

/// A KV-cache eviction policy: a value that names its tap, turns observed rows into score increments and plans
/// evictions. It owns no memory: scores live in the lane and are added up by the store. Adding a policy takes one
/// file with a conforming type and one row in `PolicyTable`.
public protocol EvictionPolicy: Sendable {
    /// Rows this policy wants to see.
    var tap: AttentionTap { get }

    /// How the store joins scores before it asks for a plan; without scores it is never looked at.
    var pooling: ScorePooling { get }

    /// What a row adds to scores where `tap` is `.logits`; nil elsewhere. The store computes it while it attends, for
    /// all heads of the group together, because that costs a fraction of another pass over the row.
    var noisySoftmax: NoisySoftmax? { get }

    /// Writes into `row.increments` what the row adds to each entry's score. Called only where `tap` is
    /// `.probabilities`, for each query in rising order and within it for each head of the group in rising order.
    func score(_ row: borrowing ObservedRow, kernels: KernelTable)

    /// Chooses what stays. A pure function of its arguments; called only when the lane holds more than `budget`. The
    /// scores that `lane` shows are joined as `pooling` says.
    func plan(_ event: PlanEvent, lane: LaneView, budget: Int, kernels: KernelTable) -> EvictionPlan
}

extension EvictionPolicy {
    public var tap: AttentionTap { .none }

    public var pooling: ScorePooling { ScorePooling() }

    public var noisySoftmax: NoisySoftmax? { nil }

    public func score(_ row: borrowing ObservedRow, kernels: KernelTable) {}
}
