import Foundation
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
        // Threads of their own: one of the pool would keep other tests waiting.
        let slept = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                signal.wait(for: time)
                continuation.resume(returning: clock.now - start)
            }
            Thread.detachNewThread {
                Thread.sleep(forTimeInterval: 0.02)
                signal.send()
            }
        }
        #expect(slept < .seconds(30))
    }
}
