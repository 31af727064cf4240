import Testing

@testable import Serving

@Suite struct WakeSignalTests {
    private let clock = ContinuousClock()

    @Test func aSleepEndsWhenItsTimeIsOver() {
        let start = clock.now
        WakeSignal().wait(for: .milliseconds(20))
        #expect(clock.now - start >= .milliseconds(20))
        WakeSignal().wait(for: .zero)
        WakeSignal().wait(for: .seconds(-5))
        #expect(clock.now - start < .seconds(5))
    }

    @Test func aSignalBeforeTheSleepEndsItAtOnceAndOnlyOne() {
        let signal = WakeSignal()
        signal.send()
        signal.send()
        let start = clock.now
        signal.wait(for: .seconds(60))
        signal.wait(for: nil)
        #expect(clock.now - start < .seconds(30))
        let next = clock.now
        signal.wait(for: .milliseconds(20))
        #expect(clock.now - next >= .milliseconds(20))
    }

    @Test(arguments: [nil, Duration.seconds(60), .seconds(1 << 40)])
    func aSleepingThreadIsWoken(time: Duration?) async {
        let signal = WakeSignal()
        let start = clock.now
        async let sleeper: Void = Task.detached { signal.wait(for: time) }.value
        try? await Task.sleep(for: .milliseconds(20))
        signal.send()
        await sleeper
        #expect(clock.now - start < .seconds(30))
    }
}
