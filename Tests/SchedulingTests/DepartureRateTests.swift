import Testing

@testable import Scheduling

@Suite struct DepartureRateTests {
    /// Departures each `seconds`, `count` of them.
    private func rate(every seconds: Double, count: Int) -> DepartureRate {
        var rate = DepartureRate()
        for index in 1...count {
            rate.advance(to: .seconds(seconds * Double(index)), isBusy: true)
            rate.recordDeparture()
        }
        return rate
    }

    @Test func estimateIsTheMeanTimesTheCountRoundedUp() {
        #expect(rate(every: 2, count: 10).secondsUntil(departures: 3) == 6)
        #expect(rate(every: 0.3, count: 10).secondsUntil(departures: 4) == 2)
        #expect(rate(every: 2, count: 200).secondsUntil(departures: 3) == 6)
    }

    @Test func estimateStaysBetweenOneSecondAndTwoMinutes() {
        #expect(DepartureRate().secondsUntil(departures: 1000) == 1)
        #expect(rate(every: 0.000_1, count: 5).secondsUntil(departures: 1) == 1)
        #expect(rate(every: 100, count: 5).secondsUntil(departures: 3) == 120)
        #expect(rate(every: 1e9, count: 5).secondsUntil(departures: .max) == 120)
    }

    @Test func beforeTheFirstDepartureTheTimeSoFarCounts() {
        var rate = DepartureRate()
        rate.advance(to: .seconds(7), isBusy: true)
        #expect(rate.secondsUntil(departures: 2) == 14)
    }

    @Test func idleTimeIsNotSlowness() {
        var rate = rate(every: 2, count: 10)
        rate.advance(to: .seconds(10_000), isBusy: false)
        #expect(rate.secondsUntil(departures: 3) == 6)
    }

    @Test func theLastDeparturesCount() {
        var rate = rate(every: 50, count: 100)
        for index in 1...64 {
            rate.advance(to: .seconds(5_000 + index), isBusy: true)
            rate.recordDeparture()
        }
        #expect(rate.secondsUntil(departures: 5) == 5)
    }

    @Test func aClockThatStepsBackIsIgnored() {
        var rate = rate(every: 2, count: 10)
        rate.advance(to: .seconds(1), isBusy: true)
        #expect(rate.secondsUntil(departures: 3) == 6)
    }
}
