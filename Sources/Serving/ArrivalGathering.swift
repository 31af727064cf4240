/// Lets clients that have just been answered join the next step: who asks again at once finds a seat in it instead of
/// waiting for its end (the idea of anticipatory scheduling, Iyer and Druschel, SOSP 2001).
///
/// Small requests of clients that wait for each other's answers fall out of step without it: one starts alone because
/// it came first, and the others share the step after it, for ever. A step of four rows takes hardly longer than one of
/// one row. The wait begins only when nothing runs, ends when as many came as have left, and is never longer than the
/// last step, nor than `longest`. Waits that gather nobody double the number of steps without a wait.
struct ArrivalGathering {
    static let longest = Duration.milliseconds(1)
    /// Steps without a wait, at most.
    private static let mostSkipped = 64

    /// Sequences that may still come back.
    private(set) var missing = 0
    private var end = Duration.zero
    private var hasWaited = false
    private var toSkip = 0
    private var lastSkip = 0

    /// Sequences came.
    mutating func arrived(_ count: Int) {
        guard missing > 0 else { return }
        missing = max(0, missing - count)
        if missing == 0, hasWaited { lastSkip = 0 }
    }

    /// A step that took `duration` is over. `departed` sequences ended in it and `running` are left.
    mutating func stepEnded(at time: Duration, duration: Duration, departed: Int, running: Int) {
        missing = 0
        hasWaited = false
        guard departed > 0, running == 0 else { return }
        guard toSkip == 0 else {
            toSkip -= 1
            return
        }
        missing = departed
        end = time + min(duration, Self.longest)
    }

    /// How long a thread without work need not look at fewer arrivals than are missing; nil is not at all.
    func idleWait(at time: Duration) -> Duration? { missing > 0 && time < end ? end - time : nil }

    /// How long the next step had better wait, if it has work; asked again after each arrival.
    mutating func wait(at time: Duration) -> Duration? {
        guard missing > 0 else { return nil }
        if time < end {
            hasWaited = true
            return end - time
        }
        missing = 0
        if hasWaited {
            lastSkip = min(Self.mostSkipped, max(1, 2 * lastSkip))
            toSkip = lastSkip
        }
        return nil
    }
}
