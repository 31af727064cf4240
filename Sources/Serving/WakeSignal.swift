internal import Glibc

/// Wakes a sleeping thread. A signal sent before the sleep begins ends it at once, so none is lost.
///
/// On the clock that nobody sets: waits of Dispatch's semaphores end by the calendar, so one that is set back a day
/// makes them last a day.
@safe final class WakeSignal: Sendable {
    nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    nonisolated(unsafe) private let sent: UnsafeMutablePointer<pthread_cond_t>
    /// Signals without a sleep so far; under the mutex.
    nonisolated(unsafe) private let count: UnsafeMutablePointer<Int>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe sent = .allocate(capacity: 1)
        unsafe count = .allocate(capacity: 1)
        unsafe count.initialize(to: 0)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(sent, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(sent)
        unsafe pthread_mutex_destroy(mutex)
        unsafe sent.deallocate()
        unsafe mutex.deallocate()
        unsafe count.deallocate()
    }

    /// Ends the sleep of `wait`, or of the next one.
    func send() {
        unsafe pthread_mutex_lock(mutex)
        unsafe count.pointee += 1
        unsafe pthread_cond_signal(sent)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Sleeps until a signal or the time is over; nil is for ever. May return early.
    func wait(for time: Duration?) {
        var end = timespec()
        if let time { end = Self.monotonic(after: time) }
        unsafe pthread_mutex_lock(mutex)
        while unsafe count.pointee == 0 {
            let code = unsafe time == nil ? pthread_cond_wait(sent, mutex) : pthread_cond_timedwait(sent, mutex, &end)
            if code != 0 { break }
        }
        if unsafe count.pointee > 0 { unsafe count.pointee -= 1 }
        unsafe pthread_mutex_unlock(mutex)
    }

    private static func monotonic(after time: Duration) -> timespec {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = min(max(.zero, time), .seconds(86_400)).components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        return end
    }
}
