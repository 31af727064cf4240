public import Kernels

/// A policy that ranks entries by the scores it accumulated and keeps what `ScoredSelection` says.
public protocol ScoredPolicy: EvictionPolicy, Equatable {
    var selection: ScoredSelection { get set }
}

extension ScoredPolicy {
    public var pooling: ScorePooling { selection.pooling }

    public func plan(_ event: PlanEvent, lane: LaneView, budget: Int, kernels: KernelTable) -> EvictionPlan {
        selection.plan(event, lane: lane, budget: budget, kernels: kernels)
    }

    /// Whether both give every row the same score, however they choose by it.
    func scoresLike(_ other: any EvictionPolicy) -> Bool {
        guard var other = other as? Self, other.pooling.reduceHeads == pooling.reduceHeads else { return false }
        other.selection = selection
        return other == self
    }
}
