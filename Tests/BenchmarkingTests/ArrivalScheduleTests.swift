import Testing

@testable import Benchmarking

@Suite struct ArrivalScheduleTests {
    @Test func aSeedGivesTheSameTimes() {
        let schedule = ArrivalSchedule.poisson(rate: 10, seed: 7)
        #expect(schedule.times(count: 50) == schedule.times(count: 50))
        #expect(schedule.times(count: 50) != ArrivalSchedule.poisson(rate: 10, seed: 8).times(count: 50))
    }

    @Test func moreRequestsDoNotMoveTheFirstOnes() throws {
        let schedule = ArrivalSchedule.poisson(rate: 3, seed: 1)
        let (few, many) = (try #require(schedule.times(count: 5)), try #require(schedule.times(count: 500)))
        #expect(Array(many.prefix(5)) == few)
    }

    /// Mean and coefficient of variation of exponential gaps are 1/rate and 1.
    @Test func gapsAreExponential() throws {
        let times = try #require(ArrivalSchedule.poisson(rate: 20, seed: 3).times(count: 20_001))
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(times.first == 0)
        #expect(gaps.allSatisfy { $0 >= 0 && $0.isFinite })
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean * 20 - 1) < 0.03)
        #expect(abs(variance * 400 - 1) < 0.06)
    }

    @Test func aDurationHoldsTheArrivalsWithinIt() throws {
        let schedule = ArrivalSchedule.poisson(rate: 50, seed: 4)
        let count = try #require(schedule.count(within: 3))
        let times = try #require(schedule.times(count: count + 1))
        #expect(times[count - 1] < 3 && times[count] >= 3)
        #expect(ArrivalSchedule.planned([0, 1, 2]).count(within: 2) == 2)
        #expect(ArrivalSchedule.planned([0, 1, 2]).times(count: 2) == [0, 1])
        #expect(ArrivalSchedule.closed(concurrency: 1).count(within: 3) == nil)
    }

    @Test func aClosedLoopHasNoTimes() {
        #expect(ArrivalSchedule.closed(concurrency: 4).times(count: 3) == nil)
    }
}
