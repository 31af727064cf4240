internal import Glibc

/// SIGTERM, SIGINT and SIGHUP as values that one thread waits for. Made before any other thread starts, so that every
/// thread inherits the blocked mask and no handler ever runs.
struct SignalWatch: Sendable {
    enum Event: Equatable {
        /// SIGTERM or SIGINT.
        case end(signal: Int32)
        /// SIGHUP.
        case reload
        /// `wake()` was called.
        case woken
    }

    /// Carries `wake()`: a signal that nothing else uses.
    private static let wakeSignal = SIGUSR2

    private let set: sigset_t

    /// Blocks the signals in the calling thread and in those it starts.
    init() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, Self.wakeSignal] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        self.set = set
    }

    /// Waits for the next event.
    func next() -> Event {
        var signal: Int32 = 0
        var set = set
        // EINTR is the only failure with a valid set.
        while unsafe sigwait(&set, &signal) != 0 {}
        switch signal {
        case Self.wakeSignal: return .woken
        case SIGHUP: return .reload
        default: return .end(signal: signal)
        }
    }

    /// Makes one `next()` return `.woken`. Any thread.
    func wake() { kill(getpid(), Self.wakeSignal) }

    /// Ends the process at once, as the signal would have.
    static func endNow(_ signal: Int32) -> Never { _exit(128 + signal) }
}
