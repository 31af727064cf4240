internal import Synchronization

/// What waits for the engine thread: a bounded queue of submissions, and the latest wish of every handle.
///
/// A wish (cancel, pause, resume) is never refused: there is at most one entry per request, however often its handle is
/// used between two steps.
final class Inbox: Sendable {
    /// What a handle asks for.
    struct Wish: Sendable, Equatable {
        var isCancelled = false
        /// nil: no change.
        var isPaused: Bool?
    }

    /// Everything since the last call of `drain`.
    struct Contents: Sendable {
        var submissions: [Submission]
        var wishes: [RequestID: Wish]
        var commands: [SessionCommand] = []
        var isStopping: Bool
    }

    /// The fate of a posted submission.
    enum PostResult {
        case posted
        case full
        case closed
    }

    private struct State {
        var submissions: [Submission] = []
        var wishes: [RequestID: Wish] = [:]
        var commands: [SessionCommand] = []
        var isClosed = false
        var isStopping = false
        var isReaderAsleep = false

        var isEmpty: Bool { submissions.isEmpty && wishes.isEmpty && commands.isEmpty && !isStopping }
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let wake = WakeSignal()

    init(capacity: Int) {
        precondition(capacity > 0, "an inbox of \(capacity)")
        self.capacity = capacity
    }

    /// Queues a submission. Not taken when full (the caller answers 429) or closed (503).
    func post(_ submission: Submission) -> PostResult {
        change { state in
            if state.isClosed { return .closed }
            guard state.submissions.count < capacity else { return .full }
            state.submissions.append(submission)
            return .posted
        }
    }

    /// Queues a call about sessions, like a submission.
    func post(_ command: SessionCommand) -> PostResult {
        change { state in
            if state.isClosed { return .closed }
            guard state.commands.count < capacity else { return .full }
            state.commands.append(command)
            return .posted
        }
    }

    func cancel(_ request: RequestID) {
        change { $0.wishes[request, default: Wish()].isCancelled = true }
    }

    /// The last of several calls wins.
    func setPaused(_ request: RequestID, _ isPaused: Bool) {
        change { $0.wishes[request, default: Wish()].isPaused = isPaused }
    }

    /// Takes no more submissions; those already here stay.
    func close() {
        change { $0.isClosed = true }
    }

    /// Closes, and tells the engine thread to end.
    func stop() {
        change { state in
            state.isClosed = true
            state.isStopping = true
        }
    }

    /// Takes everything out.
    func drain() -> Contents {
        state.withLock { state in
            defer {
                state.submissions = []
                state.wishes = [:]
                state.commands = []
            }
            return Contents(
                submissions: state.submissions, wishes: state.wishes, commands: state.commands,
                isStopping: state.isStopping)
        }
    }

    /// Sleeps until something is here or the time is over; nil is for ever. For the engine thread alone.
    func wait(for time: Duration?) {
        let mustSleep = state.withLock { state in
            state.isReaderAsleep = state.isEmpty
            return state.isReaderAsleep
        }
        guard mustSleep else { return }
        wake.wait(for: time)
        state.withLock { $0.isReaderAsleep = false }
    }

    /// Changes the state, then wakes the reader if it sleeps: a busy reader costs the caller no system call.
    private func change<Result>(_ body: (inout sending State) -> sending Result) -> sending Result {
        let (result, mustWake) = state.withLock { state in
            let result = body(&state)
            defer { state.isReaderAsleep = false }
            return (result, state.isReaderAsleep)
        }
        if mustWake { wake.send() }
        return result
    }
}
