import Kernels
import TestSupport
import Testing

@testable import KVCaching

/// Choices by joined scores on small lanes, worked out by hand.
@Suite struct LaneChoiceTests {
    private static func scratch() -> LaneScratch {
        let scratch = LaneScratch(headDim: 4)
        scratch.reserve(slots: 16, promptTokens: 0, groupSize: 1, rotatesKeys: false, positions: 128, scorers: 1)
        return scratch
    }

    private static func plan(
        _ selection: ScoredSelection, _ event: PlanEvent, positions: [Int32], scores: [Float],
        fed: (position: Int32, score: Float)? = nil, budget: Int
    ) -> EvictionPlan {
        let scratch = scratch()
        return unsafe positions.withUnsafeBufferPointer { positions in
            unsafe scores.withUnsafeBufferPointer { scores in
                guard let places = positions.baseAddress else { return .keep([]) }
                let view = unsafe scratch.view(
                    held: positions.count, positions: places, scores: scores.baseAddress, fed: fed,
                    neighbourhood: selection.pooling.neighbourhood)
                return selection.plan(event, lane: view, budget: budget, kernels: .best)
            }
        }
    }

    @Test func aPeakKeepsItsNeighboursAtThePromptsEnd() {
        let scores: [Float] = [1, 2, 9, 1, 5, 1, 6, 1, 0, 0]
        func kept(_ radius: Int, recent: Int) -> EvictionPlan {
            Self.plan(
                ScoredSelection(recentWindow: recent, sinkTokens: 0, pooling: .init(neighbourhood: radius)), .promptEnd,
                positions: Array(0..<10), scores: scores, budget: 5)
        }
        #expect(kept(0, recent: 1) == .keep([1, 2, 4, 6, 9]))
        // Joined: 2 9 9 9 5 6 6 6 1 0; of the three sixes the oldest.
        #expect(kept(1, recent: 1) == .keep([1, 2, 3, 5, 9]))
        // Joined: 9 9 9 9 9 6 6 6 6 1; five nines for four places.
        #expect(kept(2, recent: 1) == .keep([0, 1, 2, 3, 9]))
    }

    @Test func sinksAndRecentTokensStayAndCountAsNeighbours() {
        let plan = Self.plan(
            ScoredSelection(recentWindow: 1, sinkTokens: 1, pooling: .init(neighbourhood: 1)), .promptEnd,
            positions: Array(0..<6), scores: [9, 1, 2, 4, 1, 8], budget: 4)
        #expect(plan == .keep([0, 1, 4, 5]))
    }

    @Test func aWeakNeighbourOfAStrongTokenOutlivesAnAverageLoner() {
        func victim(_ radius: Int) -> EvictionPlan {
            Self.plan(
                ScoredSelection(recentWindow: 1, sinkTokens: 0, pooling: .init(neighbourhood: radius)), .step,
                positions: [7, 21, 6, 30], scores: [1, 3, 9, 4], fed: (31, 0), budget: 4)
        }
        #expect(victim(0) == .evict(slot: 0))
        #expect(victim(1) == .evict(slot: 1))
        // 21 and 30 are neighbours now: 9 4 9 4; of equals the newer one goes.
        #expect(victim(9) == .evict(slot: 3))
        // All are of one neighbourhood: of equals the newest candidate goes.
        #expect(victim(25) == .evict(slot: 3))
    }

    @Test func scoresOfALayerAreAddedHeadByHead() {
        let scratch = Self.scratch()
        // In another order the small ones would be lost or found.
        let lanes: [[Float]] = [[1, 2, 1e8], [0, 5, 3], [4, 1, -1e8]]
        let sum = unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 9) { memory in
            guard let base = memory.baseAddress else { return [Float]() }
            for (lane, scores) in lanes.enumerated() {
                for (slot, score) in scores.enumerated() { unsafe base[lane * 3 + slot] = score }
            }
            let sum = unsafe scratch.layerScores(count: 3, kvHeads: 3, kernels: .best) {
                unsafe UnsafePointer(base + $0 * 3)
            }
            return (0..<3).map { unsafe sum[$0] }
        }
        #expect(sum == [5, 8, (1e8 + 3) - 1e8])
    }
}
