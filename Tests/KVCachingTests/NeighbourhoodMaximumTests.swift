import TestSupport
import Testing

@testable import KVCaching

@Suite struct NeighbourhoodMaximumTests {
    /// Pooled scores of the entries, and of the fed token.
    private static func pool(
        _ radius: Int, positions: [Int32], scores: [Float], fed: (position: Int32, score: Float)? = nil
    ) -> (scores: [Float], fed: Float) {
        let newest = max(positions.max() ?? 0, fed?.position ?? 0)
        var map = [Float](repeating: .nan, count: Int(newest) + 1 + 2 * radius)
        var pooled = scores
        let fedScore = unsafe map.withUnsafeMutableBufferPointer { map in
            unsafe pooled.withUnsafeMutableBufferPointer { pooled in
                unsafe positions.withUnsafeBufferPointer { positions -> Float in
                    guard let pooled = pooled.baseAddress, let places = positions.baseAddress else { return .nan }
                    return unsafe NeighbourhoodMaximum(radius: radius, byPosition: map).pool(
                        count: positions.count, positions: places, scores: pooled, fed: fed, into: pooled)
                }
            }
        }
        return (pooled, fedScore)
    }

    @Test func aPromptsEntryCountsAsMuchAsItsBestNeighbour() {
        let pooled = Self.pool(1, positions: [0, 1, 2, 3, 4, 5], scores: [5, 1, 2, 0, 0, 3])
        #expect(pooled.scores == [5, 5, 2, 2, 3, 3])
    }

    /// Slots are in no order once entries were replaced, and what was evicted is nobody's neighbour.
    @Test func distanceIsCountedInPositionsOfWhatIsHeld() {
        let pooled = Self.pool(2, positions: [9, 3, 12, 5], scores: [1, 7, 2, 4], fed: (13, 6))
        #expect(pooled.scores == [1, 7, 6, 7])
        #expect(pooled.fed == 6)
        #expect(Self.pool(2, positions: [11], scores: [8], fed: (13, 6)).fed == 8)
    }

    @Test func aBrokenScoreCountsAsInfinity() {
        #expect(Self.pool(1, positions: [0, 1, 2], scores: [.nan, 1, 2]).scores == [.infinity, .infinity, 2])
    }

    @Test func itIsTheMaximumOverAllPairsWithinTheRadius() {
        var random = SeededRandom(seed: 7)
        for round in 0..<200 {
            let count = Int.random(in: 1...40, using: &random)
            let radius = Int.random(in: 1...64, using: &random)
            let positions = Array((Int32(100)..<220).shuffled(using: &random).prefix(count))
            let scores = positions.map { _ in Float.random(in: 0..<9, using: &random) }
            let expected = positions.map { own in
                zip(positions, scores).filter { abs($0.0 - own) <= Int32(radius) }.map(\.1).max()
            }
            if Self.pool(radius, positions: positions, scores: scores).scores.map(Optional.some) != expected {
                Issue.record("round \(round): radius \(radius), positions \(positions), scores \(scores)")
                return
            }
        }
    }
}
