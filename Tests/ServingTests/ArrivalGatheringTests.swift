import Testing

@testable import Serving

/// How long a step waits for those who were just answered.
@Suite struct ArrivalGatheringTests {
    private func afterStep(
        departed: Int, running: Int = 0, duration: Duration = .microseconds(400)
    ) -> ArrivalGathering {
        var gathering = ArrivalGathering()
        gathering.stepEnded(at: .seconds(1), duration: duration, departed: departed, running: running)
        return gathering
    }

    @Test func waitsUntilAsManyCameAsLeft() {
        var gathering = afterStep(departed: 3)
        gathering.arrived(2)
        #expect(gathering.wait(at: .seconds(1) + .microseconds(100)) == .microseconds(300))
        gathering.arrived(1)
        #expect(gathering.wait(at: .seconds(1) + .microseconds(150)) == nil)
    }

    @Test func neverWaitsLongerThanTheStepOrTheBound() {
        var short = afterStep(departed: 1)
        #expect(short.wait(at: .seconds(1)) == .microseconds(400))
        #expect(short.wait(at: .seconds(1) + .microseconds(400)) == nil)
        var long = afterStep(departed: 1, duration: .seconds(5))
        #expect(long.wait(at: .seconds(1)) == ArrivalGathering.longest)
        #expect(long.wait(at: .seconds(2)) == nil)
    }

    @Test func nobodyWaitsWhileSequencesRunOrNobodyLeft() {
        var running = afterStep(departed: 2, running: 1)
        #expect(running.wait(at: .seconds(1)) == nil)
        var quiet = afterStep(departed: 0)
        #expect(quiet.wait(at: .seconds(1)) == nil)
    }

    /// Without clients that come back the waits become rare; one success makes them usual again.
    @Test func vainWaitsBecomeRare() {
        var gathering = ArrivalGathering()
        var time = Duration.zero
        func waits() -> Bool {
            time += .seconds(1)
            gathering.stepEnded(at: time, duration: .milliseconds(1), departed: 1, running: 0)
            return gathering.wait(at: time) != nil
        }
        var vain = 0
        for _ in 0..<1000 {
            guard waits() else { continue }
            vain += 1
            #expect(gathering.wait(at: time + .milliseconds(1)) == nil)
        }
        #expect((7...25).contains(vain))
        while !waits() {}
        gathering.arrived(1)
        #expect((0..<10).allSatisfy { _ in
            defer { gathering.arrived(1) }
            return waits()
        })
    }

    /// A client that pauses before its next request does not make waits rarer: nobody has waited for it.
    @Test func lateArrivalsAreNoVainWaits() {
        var gathering = ArrivalGathering()
        for second in 0..<10 {
            let time = Duration.seconds(second)
            gathering.stepEnded(at: time, duration: .milliseconds(1), departed: 2, running: 0)
            gathering.arrived(1)
            #expect(gathering.wait(at: time + .milliseconds(500)) == nil)
        }
        gathering.stepEnded(at: .seconds(20), duration: .milliseconds(1), departed: 2, running: 0)
        #expect(gathering.wait(at: .seconds(20)) == .milliseconds(1))
    }
}
