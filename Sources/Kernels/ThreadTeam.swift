internal import Glibc
internal import Synchronization

/// A fixed set of threads that run one loop together: the caller and `threadCount - 1` workers.
///
/// Indices are claimed one by one, so uneven work balances itself. Between loops a worker looks for work for some tens
/// of microseconds, or hundreds while `expectsMore` is set, and then sleeps, so an idle team costs nothing. A loop
/// never waits for a worker that has not begun.
/// Confined to its owner: one thread makes it, runs it and stops it.
public final class ThreadTeam {
    /// Threads that run a loop, the caller included.
    public let threadCount: Int
    /// Whether other loops will follow soon: workers then stay awake longer between them. Changes no result.
    public var expectsMore = false {
        didSet { board.expectMore(expectsMore) }
    }
    private let board: JobBoard
    private var threads: [pthread_t] = []

    /// Starts `threadCount - 1` workers, which take no signals.
    public init(threadCount: Int) throws(ThreadTeamError) {
        precondition(threadCount >= 1 && threadCount <= JobBoard.maxThreads, "\(threadCount) threads")
        self.threadCount = threadCount
        board = JobBoard()
        for worker in 1..<threadCount {
            do {
                threads.append(try startWorker(worker))
            } catch {
                stop()
                throw error
            }
        }
    }

    deinit { stop() }

    private func startWorker(_ worker: Int) throws(ThreadTeamError) -> pthread_t {
        let start = WorkerStart(board: board, worker: worker)
        var thread = pthread_t()
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &previous)
        let context = unsafe Unmanaged.passRetained(start)
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<WorkerStart>.fromOpaque(context).takeRetainedValue()
                start.board.serve(worker: start.worker)
                return nil
            }, context.toOpaque())
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard result == 0 else {
            unsafe context.release()
            throw .threadRefused(number: worker + 1, of: threadCount, errorNumber: result)
        }
        return thread
    }

    /// Calls `body(index, worker)` exactly once for each `index < count` and returns when all calls have.
    ///
    /// `worker < threadCount` tells which thread it is (the caller is 0) and is never in two calls at once. What was
    /// written before `run` is visible in `body`, what `body` writes is visible after. `body` must not call `run`.
    /// Allocates the context of one closure where workers take part, else nothing.
    public func run(count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
        precondition(count >= 0, "\(count) indices")
        guard count > 1 && !threads.isEmpty else {
            for index in 0..<count { body(index, 0) }
            return
        }
        withoutActuallyEscaping(body) { escapable in
            // In a struct, since a closure by itself would be converted, and that allocates once more.
            unsafe withUnsafePointer(to: JobBoard.Job(body: escapable)) { unsafe board.run(count: count, job: $0) }
        }
    }

    /// The same with a body that was made once and is kept by the caller: allocates nothing.
    public func run(kept body: @escaping (_ index: Int, _ worker: Int) -> Void, count: Int) {
        precondition(count >= 0, "\(count) indices")
        guard count > 1 && !threads.isEmpty else {
            for index in 0..<count { body(index, 0) }
            return
        }
        unsafe withUnsafePointer(to: JobBoard.Job(body: body)) { unsafe board.run(count: count, job: $0) }
    }

    /// Ends the workers and waits for them. Later calls of `run` work on the caller alone. Idempotent.
    public func stop() {
        guard !threads.isEmpty else { return }
        board.stop()
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}

@available(*, unavailable) extension ThreadTeam: Sendable {}

/// What a new worker is handed.
private final class WorkerStart: Sendable {
    let board: JobBoard
    let worker: Int

    init(board: JobBoard, worker: Int) {
        self.board = board
        self.worker = worker
    }
}
