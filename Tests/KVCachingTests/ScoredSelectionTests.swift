import KVCaching
import Kernels
import Testing

@Suite struct ScoredSelectionTests {
    /// Builds a view of the given entries and plans on it.
    static func plan(
        _ selection: ScoredSelection, _ event: PlanEvent, positions: [Int32], scores: [Float],
        fed: (position: Int32, score: Float)? = nil, budget: Int
    ) -> EvictionPlan {
        unsafe positions.withUnsafeBufferPointer { positions in
            unsafe scores.withUnsafeBufferPointer { scores in
                guard let positionBase = positions.baseAddress, let scoreBase = scores.baseAddress else {
                    return .keep([])
                }
                let view =
                    if let fed {
                        unsafe LaneView(
                            held: positions.count, positions: positionBase, scores: scoreBase,
                            fedPosition: fed.position,
                            fedScore: fed.score)
                    } else {
                        unsafe LaneView(held: positions.count, positions: positionBase, scores: scoreBase)
                    }
                return selection.plan(event, lane: view, budget: budget, kernels: .best)
            }
        }
    }

    @Test func promptEndKeepsRecentAndTheLargestScoresInOrder() {
        let plan = Self.plan(
            ScoredSelection(recentWindow: 2, sinkTokens: 0), .promptEnd, positions: Array(0..<8),
            scores: [1, 9, 2, 8, 3, 7, 0, 0], budget: 5)
        #expect(plan == .keep([1, 3, 5, 6, 7]))
    }

    @Test func equalScoresKeepTheOlderToken() {
        let atPromptEnd = Self.plan(
            ScoredSelection(recentWindow: 0, sinkTokens: 0), .promptEnd, positions: Array(0..<4), scores: [5, 5, 5, 5],
            budget: 2)
        #expect(atPromptEnd == .keep([0, 1]))
        let atStep = Self.plan(
            ScoredSelection(recentWindow: 1, sinkTokens: 0), .step, positions: [4, 2, 9], scores: [5, 5, 5],
            fed: (10, 0), budget: 3)
        #expect(atStep == .evict(slot: 2))
    }

    @Test func sinksAndRecentAreNeverVictims() {
        let plan = Self.plan(
            ScoredSelection(recentWindow: 2, sinkTokens: 1), .step, positions: [0, 7, 3, 9], scores: [0, 4, 6, 0],
            fed: (10, 0), budget: 4)
        #expect(plan == .evict(slot: 1))
    }

    @Test func withoutARecentWindowTheFedTokenMayGo() {
        let plan = Self.plan(
            ScoredSelection(recentWindow: 0, sinkTokens: 0), .step, positions: [1, 4], scores: [3, 2], fed: (5, 1),
            budget: 2)
        #expect(plan == .evict(slot: 2))
    }
}
