public import Generation
public import Logging
internal import Synchronization
public import Tokenization

/// Serves generation requests on one engine: takes them from any thread, runs them together on a thread of its own, and
/// tells each submitter what comes of its request (see `ServiceEvent`).
public final class InferenceService: Sendable {
    private let planner: SubmissionPlanner
    private let metrics: ServiceMetrics
    let inbox: Inbox
    private let liveRequests = LiveRequestCount()
    private let thread: EngineThread
    private let nextRequest = Atomic<UInt64>(0)
    private let nextSequence = Atomic<UInt64>(0)
    private let now: @Sendable () -> Duration

    /// Starts the engine thread. `makeEngine` runs there.
    public init<Engine: StepEngine>(
        configuration: ServiceConfiguration, tokenizer: Tokenizer, metrics: ServiceMetrics, logger: Logger,
        makeEngine: @escaping @Sendable () -> Engine
    ) throws(StartError) {
        let start = ContinuousClock.now
        let now: @Sendable () -> Duration = { ContinuousClock.now - start }
        planner = SubmissionPlanner(configuration: configuration)
        self.metrics = metrics
        self.now = now
        inbox = Inbox(capacity: configuration.inboxCapacity)
        let liveRequests = liveRequests
        thread = try EngineThread(inbox: inbox, now: now) {
            EngineLoop(
                configuration: configuration, engine: makeEngine(), tokenizer: tokenizer, metrics: metrics,
                liveRequests: liveRequests, logger: logger, now: now)
        }
    }

    /// Starts the engine thread with an engine made elsewhere, which only that thread uses from now on.
    public convenience init<Engine: StepEngine>(
        configuration: ServiceConfiguration, tokenizer: Tokenizer, metrics: ServiceMetrics, logger: Logger,
        engine: sending Engine
    ) throws(StartError) {
        let parcel = EngineParcel(engine)
        try self.init(configuration: configuration, tokenizer: tokenizer, metrics: metrics, logger: logger) {
            parcel.open()
        }
    }

    deinit {
        thread.stop()
    }

    /// Takes the prompts of one client request; the sequences of all of them are queued together or not at all.
    ///
    /// With `session` the one prompt, which has one choice and is not scored, is the session's next turn; its `cache`
    /// is not looked at.
    ///
    /// `deadline` counts from now; a choice that has not ended by then ends with `deadline`. `onEvent` is called on the
    /// engine thread (see `ServiceEvent`), perhaps before this returns, and never if this throws.
    public func submit(
        _ requests: [GenerationRequest], session: SessionTurn? = nil, deadline: Duration?,
        terms: AdmissionTerms = AdmissionTerms(),
        onEvent: @escaping @Sendable (ServiceEvent) -> Void
    ) throws(SubmitError) -> RequestHandle {
        precondition(!requests.isEmpty && requests.allSatisfy { $0.choices > 0 }, "a request without a choice")
        let submittedAt = now()
        var turn: TurnSubmission?
        if let session {
            let isOne = requests.count == 1 && requests[0].choices == 1 && !requests[0].promptLogprobs
            precondition(isOne, "a turn is one prompt with one choice, which is not scored")
            turn = try planner.turn(session, requests[0], id: newSequenceID())
        }
        let sequences = turn == nil ? try plannedSequences(of: requests, terms) : []
        let id = RequestID(rawValue: nextRequest.wrappingAdd(1, ordering: .relaxed).oldValue)
        let submission = Submission(
            id: id, sequences: sequences, turn: turn, submittedAt: submittedAt,
            deadline: deadline.map { submittedAt + $0 }, terms: terms, onEvent: onEvent)
        liveRequests.enter()
        switch inbox.post(submission) {
        case .posted:
            return RequestHandle(id: id, inbox: inbox)
        case .full:
            liveRequests.leave()
            metrics.rejected(.queueFull)
            throw .inboxFull(retryAfterSeconds: 1)
        case .closed:
            liveRequests.leave()
            throw .draining
        }
    }

    func newSequenceID() -> SequenceID {
        SequenceID(nextSequence.wrappingAdd(1, ordering: .relaxed).oldValue)
    }

    private func plannedSequences(
        of requests: [GenerationRequest], _ terms: AdmissionTerms
    ) throws(SubmitError) -> [PlannedSequence] {
        do throws(SubmitError) {
            return try planner.sequences(of: requests, tenant: terms.tenant) { newSequenceID() }
        } catch {
            if case .neverFits = error { metrics.rejected(.neverFits) }
            throw error
        }
    }

    /// How often the engine thread has looked for work, and makes it look once more: a number that stays the same for
    /// longer than any step takes belongs to an engine that hangs.
    public func engineTurns() -> UInt64 {
        inbox.nudge()
        return inbox.turnCount
    }

    /// Takes no new work from now on; what was submitted runs to its end.
    public func beginDraining() {
        inbox.close()
    }

    /// Takes no new work and waits until every request has heard its last event.
    public func drain() async {
        beginDraining()
        await withCheckedContinuation { continuation in
            liveRequests.whenZero { continuation.resume() }
        }
    }

    /// As `drain`, for callers outside of Swift concurrency: blocks, at most for `time`. False if the time ran out.
    public func drain(within time: Duration) -> Bool {
        beginDraining()
        let end = ContinuousClock.now + time
        let wake = WakeSignal()
        liveRequests.whenZero { wake.send() }
        while !liveRequests.isZero {
            let left = end - ContinuousClock.now
            guard left > .zero else { return false }
            wake.wait(for: left)
        }
        return true
    }

    /// Ends every request (running ones with `cancelled`, those not yet looked at with `rejected`) and the engine
    /// thread; blocks until both are done. Not to be called from `onEvent`.
    public func stop() {
        thread.stop()
    }
}

/// Carries an engine to the thread that will own it.
private final class EngineParcel<Engine: StepEngine>: Sendable {
    private let content: Mutex<Engine?>

    init(_ engine: sending Engine) {
        content = Mutex(engine)
    }

    /// The engine; called once.
    func open() -> sending Engine {
        let engine = content.withLock { content in
            defer { content = nil }
            return content
        }
        guard let engine else { preconditionFailure("the engine is taken twice") }
        return engine
    }
}
