internal import Dispatch

/// Wakes a sleeping thread. A signal sent before the sleep begins ends it at once, so none is lost.
struct WakeSignal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    /// Ends the sleep of `wait`, or of the next one.
    func send() {
        semaphore.signal()
    }

    /// Sleeps until a signal or the time is over; nil is for ever. May return early.
    func wait(for time: Duration?) {
        guard let time else {
            semaphore.wait()
            return
        }
        let seconds = min(max(0, time / .seconds(1)), 86_400)
        _ = semaphore.wait(timeout: .now() + seconds)
    }
}
