import Testing

@testable import Benchmarking

@Suite struct SummaryTests {
    @Test func medianOfAnOddAndAnEvenNumberOfSamples() {
        #expect(Summary([3, 1, 2]).median == 2)
        #expect(Summary([4, 1, 2, 3]).median == 2.5)
        #expect(Summary([7]).median == 7)
    }

    @Test func percentilesAreLinearBetweenNeighbours() {
        let summary = Summary((0...10).map { Double($0) })
        #expect(summary.percentile(0) == 0)
        #expect(summary.percentile(0.25) == 2.5)
        #expect(summary.percentile(0.99) == 9.9)
        #expect(summary.percentile(1) == 10)
        #expect(summary.minimum == 0 && summary.maximum == 10 && summary.mean == 5)
    }

    @Test func theSpreadIsHalfTheDistanceOfTheQuartiles() {
        #expect(Summary([90, 95, 100, 105, 110]).relativeSpread == 0.05)
        #expect(Summary([100, 100]).relativeSpread == 0)
        #expect(Summary([0, 0]).relativeSpread == 0)
    }

    @Test func timesBecomeRatesWithTheOrderTurned() {
        let rates = Summary([1, 2, 4]).mapped { 8 / $0 }
        #expect(rates.sorted == [2, 4, 8])
    }

    /// A machine that is slow for one turn is slow for both sides of it.
    @Test func ratiosArePairedBeforeTheyAreSummarised() {
        let ratio = Summary(ratiosOf: [20, 2, 22], over: [10, 1, 10])
        #expect(ratio.median == 2)
        #expect(ratio.minimum == 2 && ratio.maximum == 2.2)
    }
}
