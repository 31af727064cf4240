internal import CKernels
internal import Glibc
internal import Synchronization

/// Where a team's caller posts a loop and the workers find it.
///
/// `gate` holds everything that decides who may touch the posted loop: its number (upper bits), whether it may still
/// be entered (one bit) and how many workers are inside (lower bits). A worker enters by compare-and-swap while the
/// gate is open. The caller closes it when all indices are claimed and waits for those inside only; a worker that wakes
/// too late finds the gate closed. So `count`, `job` and `next` are written only while nobody can read them.
@safe final class JobBoard: @unchecked Sendable {
    // Sendable: the plain fields are guarded by `gate` as said above, `sleepers` and `callerSleeps` by `mutex`.
    /// The loop's body, kept where the workers find it by address.
    struct Job {
        let body: (_ index: Int, _ worker: Int) -> Void
    }

    /// Bound on the number of threads, so that the count of workers inside cannot reach the other bits of the gate.
    static let maxThreads = 1024
    private static let open: UInt64 = 1 << 15
    private static let insideMask: UInt64 = open - 1
    private static let loopShift: UInt64 = 16
    /// Looks before sleeping: a pause takes 10 to 50 ns, so 10 to 50 µs.
    private static let looks = 1000
    /// The same while more loops are expected, 80 to 400 µs: waking a worker costs more than most of what the caller
    /// does alone between two loops.
    private static let expectantLooks = 8000

    // What a worker reads when it enters stands on one line of the cache, what all claim on another: a thread that
    // looks for the next loop holds up nobody who is still in this one.
    private let beforeGate = InlineArray<16, UInt64>(repeating: 0)
    private let gate = Atomic<UInt64>(0)
    private var count = 0
    private var job: UnsafePointer<Job>?
    private let beforeNext = InlineArray<16, UInt64>(repeating: 0)
    private let next = Atomic<Int>(0)
    private let beforeRest = InlineArray<16, UInt64>(repeating: 0)
    private let stopping = Atomic<Bool>(false)
    private let moreExpected = Atomic<Bool>(false)

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let workPosted: UnsafeMutablePointer<pthread_cond_t>
    private let lastLeft: UnsafeMutablePointer<pthread_cond_t>
    private var sleepers = 0
    private var callerSleeps = false

    init() {
        unsafe job = nil
        unsafe mutex = .allocate(capacity: 1)
        unsafe workPosted = .allocate(capacity: 1)
        unsafe lastLeft = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(workPosted, nil)
        unsafe pthread_cond_init(lastLeft, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(lastLeft)
        unsafe pthread_cond_destroy(workPosted)
        unsafe pthread_mutex_destroy(mutex)
        unsafe lastLeft.deallocate()
        unsafe workPosted.deallocate()
        unsafe mutex.deallocate()
    }

    // MARK: The caller

    /// Whether the caller will soon post another loop. Only changes how long threads look before they sleep.
    func expectMore(_ isExpected: Bool) { moreExpected.store(isExpected, ordering: .relaxed) }

    /// Posts the loop, works on it as worker 0 and returns when all indices are done.
    @unsafe func run(count: Int, job: UnsafePointer<Job>) {
        self.count = count
        unsafe self.job = job
        next.store(0, ordering: .relaxed)
        let loop = (gate.load(ordering: .relaxed) >> Self.loopShift) &+ 1
        unsafe pthread_mutex_lock(mutex)
        // Releases the fields above to `enter`.
        gate.store(loop << Self.loopShift | Self.open, ordering: .releasing)
        if sleepers > 0 { unsafe pthread_cond_broadcast(workPosted) }
        unsafe pthread_mutex_unlock(mutex)
        claimIndices(worker: 0)
        closeAndWait()
        unsafe self.job = nil
    }

    private func closeAndWait() {
        // Acquires what the workers released in `leave`.
        gate.bitwiseAnd(~Self.open, ordering: .acquiringAndReleasing)
        for _ in 0..<Self.looks {
            // As above.
            if gate.load(ordering: .acquiring) & Self.insideMask == 0 { return }
            ck_pause()
        }
        unsafe pthread_mutex_lock(mutex)
        callerSleeps = true
        // As above.
        while gate.load(ordering: .acquiring) & Self.insideMask != 0 { unsafe pthread_cond_wait(lastLeft, mutex) }
        callerSleeps = false
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Tells all workers to end.
    func stop() {
        unsafe pthread_mutex_lock(mutex)
        stopping.store(true, ordering: .relaxed)
        unsafe pthread_cond_broadcast(workPosted)
        unsafe pthread_mutex_unlock(mutex)
    }

    // MARK: The workers

    /// A worker's life: takes part in each loop that it finds open, until `stop`.
    func serve(worker: Int) {
        var lastLoop: UInt64 = 0
        while waitForLoop(after: lastLoop) {
            lastLoop = gate.load(ordering: .relaxed) >> Self.loopShift
            guard enter(loop: lastLoop) else { continue }
            claimIndices(worker: worker)
            leave()
        }
    }

    /// Waits, first looking and then sleeping, for a loop other than `lastLoop`. False when the team stops.
    private func waitForLoop(after lastLoop: UInt64) -> Bool {
        for look in 0..<Self.expectantLooks {
            if stopping.load(ordering: .relaxed) { return false }
            if gate.load(ordering: .relaxed) >> Self.loopShift != lastLoop { return true }
            if look >= Self.looks, !moreExpected.load(ordering: .relaxed) { break }
            ck_pause()
        }
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        sleepers += 1
        // The caller posts and stops under the mutex, so neither can slip between the test and the wait.
        while gate.load(ordering: .relaxed) >> Self.loopShift == lastLoop && !stopping.load(ordering: .relaxed) {
            unsafe pthread_cond_wait(workPosted, mutex)
        }
        sleepers -= 1
        return !stopping.load(ordering: .relaxed)
    }

    private func enter(loop: UInt64) -> Bool {
        var seen = gate.load(ordering: .relaxed)
        while seen >> Self.loopShift == loop && seen & Self.open != 0 {
            // Acquires the fields that `run` released.
            let (exchanged, original) = gate.weakCompareExchange(
                expected: seen, desired: seen + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
            if exchanged { return true }
            seen = original
        }
        return false
    }

    private func claimIndices(worker: Int) {
        guard let job = unsafe job else { return }
        let count = self.count
        // Once: all threads keep the same context alive, and contend for its reference count.
        let body = unsafe job.pointee.body
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index, worker)
        }
    }

    private func leave() {
        // Releases what `body` wrote to `closeAndWait`.
        let now = gate.wrappingSubtract(1, ordering: .releasing).newValue
        guard now & (Self.insideMask | Self.open) == 0 else { return }
        unsafe pthread_mutex_lock(mutex)
        if callerSleeps { unsafe pthread_cond_signal(lastLeft) }
        unsafe pthread_mutex_unlock(mutex)
    }
}
