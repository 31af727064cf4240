import Testing

@testable import Evaluation

@Suite struct BootstrapTests {
    private static let bootstrap = Bootstrap(resamples: 4000, seed: 7)

    @Test func percentilesLieLinearlyBetweenNeighbours() {
        #expect(Bootstrap.percentile([0, 10, 20, 30], 0.5) == 15)
        #expect(Bootstrap.percentile([0, 10, 20, 30], 0) == 0)
        #expect(Bootstrap.percentile([0, 10, 20, 30], 1) == 30)
        #expect(Bootstrap.percentile([4], 0.975) == 4)
    }

    /// 100 values, half of them 1: the normal interval is 0.5 ± 1.96 · 0.05.
    @Test func intervalOfSharesIsTheTextbookOne() {
        let estimate = Self.bootstrap.mean((0..<100).map { Double($0 % 2) })
        #expect(estimate.mean == 0.5)
        #expect(abs(estimate.low - 0.402) < 0.02)
        #expect(abs(estimate.high - 0.598) < 0.02)
    }

    @Test func pairingTakesOutWhatInputsShare() {
        let left = (0..<40).map { Double($0) + 0.5 }
        let right = (0..<40).map { Double($0) + ($0 % 2 == 0 ? 0.1 : 0) }
        let difference = Self.bootstrap.difference(left, right)
        #expect(abs(difference.mean - 0.45) < 1e-9)
        #expect(difference.low > 0.4 && difference.high < 0.5)
    }

    @Test func sameSeedSameInterval() {
        let values: [Double] = (1...30).map { 1 / Double($0) }
        #expect(Self.bootstrap.mean(values) == Self.bootstrap.mean(values))
        #expect(Self.bootstrap.mean(values) != Bootstrap(resamples: 4000, seed: 8).mean(values))
    }

    @Test func equalValuesHaveNoWidth() {
        #expect(Self.bootstrap.mean([3, 3, 3]) == Estimate(mean: 3, low: 3, high: 3))
        #expect(Self.bootstrap.mean([5]) == Estimate(mean: 5, low: 5, high: 5))
        #expect(Self.bootstrap.mean([]) == Estimate(mean: 0, low: 0, high: 0))
    }
}
