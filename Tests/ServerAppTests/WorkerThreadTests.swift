import Foundation
import Synchronization
import Testing

@testable import ServerApp

@Suite struct WorkerThreadTests {
    private final class Held: Sendable {}

    private final class Seen: Sendable {
        let order = Mutex<[Int]>([])
        let wasGone = Mutex<Bool?>(nil)
    }

    /// A job that waits behind another one finds what that one held free.
    @Test func whatAJobHoldsGoesWithIt() {
        let (gate, ended, seen) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), Seen())
        let worker = WorkerThread(name: "test")
        worker.post { gate.wait() }
        // Both come together while the first one runs.
        weak var held: Held?
        do {
            let kept = Held()
            held = kept
            worker.post { seen.order.withLock { $0.append(withExtendedLifetime(kept) { 1 }) } }
        }
        let probe = Probe(held)
        worker.post {
            seen.order.withLock { $0.append(2) }
            seen.wasGone.withLock { $0 = probe.isGone }
            ended.signal()
        }
        gate.signal()
        ended.wait()
        #expect(seen.order.withLock { $0 } == [1, 2])
        #expect(seen.wasGone.withLock { $0 } == true)
    }

    private final class Probe: Sendable {
        private weak let held: Held?

        init(_ held: Held?) { self.held = held }

        var isGone: Bool { held == nil }
    }
}
