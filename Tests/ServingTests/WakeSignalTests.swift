import Testing

@testable import Serving

/// A signal that were lost would let its test sleep for a day.
@Suite(.timeLimit(.minutes(10))) struct WakeSignalTests {
    private let clock = ContinuousClock()

    @Test func aSleepEndsWhenItsTimeIsOver() {
        let start = clock.now
        WakeSignal().wait(for: .milliseconds(20))
        #expect(clock.now - start >= .milliseconds(20))
        WakeSignal().wait(for: .zero)
        WakeSignal().wait(for: .seconds(-5))
    }

    @Test func aSignalBeforeTheSleepEndsItAtOnceAndOnlyOne() {
        let signal = WakeSignal()
        signal.send()
        signal.send()
        signal.wait(for: .seconds(1 << 40))
        signal.wait(for: nil)
        let next = clock.now
        signal.wait(for: .milliseconds(20))
        #expect(clock.now - next >= .milliseconds(20))
    }

    @Test(arguments: [nil, Duration.seconds(1 << 40)])
    func aSleepingThreadIsWoken(time: Duration?) async {
        let signal = WakeSignal()
        async let sleeper: Void = Task.detached { signal.wait(for: time) }.value
        try? await Task.sleep(for: .milliseconds(20))
        signal.send()
        await sleeper
    }
}
