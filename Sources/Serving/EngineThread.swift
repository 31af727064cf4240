internal import Synchronization

/// The thread that owns the engine: takes the inbox, makes a step, and sleeps when there is nothing to do.
final class EngineThread: Sendable {
    private let inbox: Inbox
    private let thread: PosixThread
    private let isJoined = Mutex(false)

    /// `makeLoop` runs on the new thread: what it makes is used there and dies there.
    init<Engine: StepEngine>(
        inbox: Inbox, now: @escaping @Sendable () -> Duration,
        makeLoop: @escaping @Sendable () -> EngineLoop<Engine>
    ) throws(StartError) {
        self.inbox = inbox
        thread = try PosixThread(stackBytes: 8 << 20) {
            Self.run(makeLoop(), inbox: inbox, now: now)
        }
    }

    private static func run<Engine: StepEngine>(_ loop: EngineLoop<Engine>, inbox: Inbox, now: () -> Duration) {
        while true {
            let contents = inbox.drain()
            loop.apply(contents)
            if contents.isStopping { return }
            if let wait = loop.waitBeforeStep() {
                inbox.wait(for: wait.time, sequences: wait.sequences)
                continue
            }
            loop.step()
            if !loop.hasWork {
                loop.audit()
                if let wait = loop.waitForReturn() { inbox.wait(for: wait.time, sequences: wait.sequences) }
                inbox.wait(for: loop.nextDeadline.map { $0 - now() })
            }
        }
    }

    /// Ends everything that runs and waits for the thread. Later calls return when the first one does.
    func stop() {
        inbox.stop()
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }
}
