internal import Foundation

/// One thread that runs closures in the order in which they were posted. It ends when the last reference is gone and
/// the queue is empty.
final class WorkerThread: Sendable {
    private let queue = Queue()

    init(name: String) {
        let queue = queue
        let thread = Thread {
            while var jobs = queue.next() {
                // What a job holds goes with it, not with the last one that came together with it.
                jobs.reverse()
                while let job = jobs.popLast() { job() }
            }
        }
        thread.name = name
        // Deep JSON and long regular expressions recurse.
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { queue.close() }

    /// Runs `job` after everything posted before.
    func post(_ job: @escaping @Sendable () -> Void) { queue.append(job) }

    // Sendable: `jobs` and `isClosed` are touched only with `condition` locked.
    private final class Queue: @unchecked Sendable {
        private let condition = NSCondition()
        private var jobs: [@Sendable () -> Void] = []
        private var isClosed = false

        func append(_ job: @escaping @Sendable () -> Void) {
            condition.lock()
            jobs.append(job)
            if jobs.count == 1 { condition.signal() }
            condition.unlock()
        }

        func close() {
            condition.lock()
            isClosed = true
            condition.signal()
            condition.unlock()
        }

        /// All waiting jobs, as soon as there is one; nil at the end.
        func next() -> [@Sendable () -> Void]? {
            condition.lock()
            defer { condition.unlock() }
            while jobs.isEmpty {
                if isClosed { return nil }
                condition.wait()
            }
            let taken = jobs
            jobs.removeAll(keepingCapacity: true)
            return taken
        }
    }
}
