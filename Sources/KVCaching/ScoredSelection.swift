public import Kernels

/// The selector of score-based policies: the recent window and the sinks stay, and of the rest the entries with the
/// largest scores. KEYFORMER algorithm, step 5; equal scores keep the older token.
public struct ScoredSelection: Sendable, Equatable {
    /// w: newest entries that always stay.
    public let recentWindow: Int
    /// First positions of the sequence that always stay.
    public let sinkTokens: Int
    /// How the scores that the choice goes by are joined.
    public let pooling: ScorePooling

    public init(recentWindow: Int, sinkTokens: Int, pooling: ScorePooling = ScorePooling()) {
        self.pooling = pooling
        self.recentWindow = recentWindow
        self.sinkTokens = sinkTokens
    }

    public func plan(_ event: PlanEvent, lane: LaneView, budget: Int, kernels: KernelTable) -> EvictionPlan {
        switch event {
        case .promptEnd: .keep(keptAtPromptEnd(lane, budget: budget))
        case .step: .evict(slot: victim(lane, kernels: kernels))
        }
    }

    /// The lane holds the prompt from some position on, in order.
    private func keptAtPromptEnd(_ lane: LaneView, budget: Int) -> [Int] {
        let recentStart = lane.count - recentWindow
        let sinks = min(lane.leadingEntries(below: sinkTokens), recentStart)
        let candidates = (sinks..<recentStart).map { (slot: $0, score: lane.score($0)) }
        let keys = candidates.sorted { left, right in
            left.score != right.score ? left.score > right.score : left.slot < right.slot
        }
        let chosen = keys.prefix(budget - recentWindow - sinks).map(\.slot).sorted()
        return Array(0..<sinks) + chosen + Array(recentStart..<lane.count)
    }

    /// The smallest score among the entries that are neither recent nor sinks; among equals the newest.
    private func victim(_ lane: LaneView, kernels: KernelTable) -> Int {
        let (sinks, newestCandidate) = (Int32(sinkTokens), lane.newestPosition - Int32(recentWindow))
        guard sinks <= newestCandidate,
            let victim = lane.smallestScore(positions: sinks...newestCandidate, kernels: kernels)
        else {
            preconditionFailure("a lane of \(lane.count) entries has no candidate beside \(recentWindow) recent ones")
        }
        return victim
    }
}
