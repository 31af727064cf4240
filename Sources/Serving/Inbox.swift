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
        /// The reader is to look, though there may be nothing.
        var isNudged = false
        /// Sequences of the submissions.
        var sequenceCount = 0
        /// Sequences for which a sleeping reader wakes; 0: it does not sleep.
        var wakingCount = 0

        /// Whether a reader that wants `count` sequences has something to do.
        func wakes(for count: Int) -> Bool {
            sequenceCount >= count || !wishes.isEmpty || !commands.isEmpty || isStopping || isNudged
        }
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let wake = WakeSignal()
    private let turns = Atomic<UInt64>(0)

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
            state.sequenceCount += submission.turn == nil ? submission.sequences.count : 1
            return .posted
        }
    }

    /// Queues a call about sessions, like a submission; one that is owed is never refused as one too many.
    func post(_ command: SessionCommand) -> PostResult {
        change { state in
            if state.isClosed { return .closed }
            guard state.commands.count < capacity || command.action.isOwed else { return .full }
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

    /// Wakes the reader, with nothing to read.
    func nudge() {
        change { $0.isNudged = true }
    }

    /// How often the reader has looked.
    var turnCount: UInt64 { turns.load(ordering: .relaxed) }

    /// Takes everything out.
    func drain() -> Contents {
        turns.wrappingAdd(1, ordering: .relaxed)
        return state.withLock { state in
            defer {
                state.submissions = []
                state.sequenceCount = 0
                state.wishes = [:]
                state.isNudged = false
                state.commands = []
            }
            return Contents(
                submissions: state.submissions, wishes: state.wishes, commands: state.commands,
                isStopping: state.isStopping)
        }
    }

    /// Sleeps until so many sequences are here, or a wish, or the time is over; nil is for ever. For the engine thread
    /// alone.
    func wait(for time: Duration?, sequences: Int = 1) {
        let mustSleep = state.withLock { state in
            if state.wakes(for: sequences) { return false }
            state.wakingCount = sequences
            return true
        }
        guard mustSleep else { return }
        wake.wait(for: time)
        state.withLock { $0.wakingCount = 0 }
    }

    /// Changes the state, then wakes the reader if it sleeps and this is enough for it: another one costs the caller no
    /// system call.
    private func change<Result>(_ body: (inout sending State) -> sending Result) -> sending Result {
        let (result, mustWake) = state.withLock { state in
            let result = body(&state)
            let mustWake = state.wakingCount > 0 && state.wakes(for: state.wakingCount)
            if mustWake { state.wakingCount = 0 }
            return (result, mustWake)
        }
        if mustWake { wake.send() }
        return result
    }
}
