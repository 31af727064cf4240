internal import Decoding
internal import DequeModule
internal import Generation
internal import KVCaching
internal import Logging
internal import Sampling
internal import Scheduling
internal import Tokenization

/// Scheduler, engine, samplers and texts of all live sequences, and the step that moves them. Made on the engine
/// thread, used there, dies there; without a thread or a clock of its own, so that tests can run it step by step.
final class EngineLoop<Engine: StepEngine> {
    let engine: Engine
    let tokenizer: Tokenizer
    let metrics: ServiceMetrics
    let configuration: ServiceConfiguration
    let planner: SubmissionPlanner
    let sessions: SessionTable
    var prefixes: PrefixSharing
    private let liveRequests: LiveRequestCount
    private let logger: Logger
    let now: () -> Duration
    let queueTimeout: Duration?
    private let workspace = SamplingWorkspace()
    var scheduler: Scheduler
    var requests: [RequestID: LiveRequest] = [:]
    var sequences: [SequenceID: LiveSequence] = [:]
    /// When each sequence must have started, oldest first.
    var startDeadlines: Deque<(id: SequenceID, time: Duration)> = []
    var outbox = Outbox()
    var gathering = ArrivalGathering()
    /// Of the step under way; kept so that a step allocates nothing.
    private var batch = StepBatch()
    let fitting: PoolFitting
    var pace = StepPace()
    var predictions = RetryPredictions()
    var placeForecast = RecentForecast()
    var startForecast = RecentForecast()
    /// Sequences that have ended in this step.
    private var departed = 0

    init(
        configuration: ServiceConfiguration, engine: Engine, tokenizer: Tokenizer, metrics: ServiceMetrics,
        liveRequests: LiveRequestCount, logger: Logger, now: @escaping () -> Duration
    ) {
        self.engine = engine
        self.tokenizer = tokenizer
        self.metrics = metrics
        self.liveRequests = liveRequests
        self.logger = logger
        self.now = now
        self.configuration = configuration
        planner = SubmissionPlanner(configuration: configuration)
        sessions = SessionTable(limits: configuration.sessions)
        prefixes = PrefixSharing(limits: configuration.prefixes)
        queueTimeout = configuration.queueTimeout
        fitting = PoolFitting(planner: SubmissionPlanner(configuration: configuration))
        scheduler = Scheduler(limits: configuration.limits)
    }

    // MARK: Between steps

    /// The next step would do something at once.
    var hasWork: Bool { scheduler.hasWork }

    /// How long to wait before the next step, and for how many more sequences; nil is not at all. Asked again whenever
    /// something came.
    func waitBeforeStep() -> (time: Duration, sequences: Int)? {
        guard hasWork, let time = gathering.wait(at: now()) else { return nil }
        return (time, gathering.missing)
    }

    /// The same for a thread without work, which then waits for any work.
    func waitForReturn() -> (time: Duration, sequences: Int)? {
        gathering.idleWait(at: now()).map { ($0, gathering.missing) }
    }

    /// When the next step has something to do even if nothing happens.
    var nextDeadline: Duration? {
        [scheduler.nextDeadline, startDeadlines.first?.time, sessions.nextExpiry].compactMap(\.self).min()
    }

    /// Takes in submissions and wishes, in this order, and answers them. With `isStopping`, everything ends.
    func apply(_ contents: Inbox.Contents) {
        for command in contents.commands { perform(command, isStopping: contents.isStopping) }
        for submission in contents.submissions { accept(submission, isStopping: contents.isStopping) }
        for (id, wish) in contents.wishes {
            if let request = requests[id] { grant(wish, to: request) }
        }
        if contents.isStopping {
            for request in requests.values.sorted(by: { $0.id.rawValue < $1.id.rawValue }) { cancel(request) }
        }
        publish()
    }

    private func grant(_ wish: Inbox.Wish, to request: LiveRequest) {
        if wish.isCancelled {
            metrics.clientLeft()
            cancel(request)
        } else if let isPaused = wish.isPaused {
            for id in request.sequences {
                if isPaused { scheduler.pause(id) } else { scheduler.resume(id) }
            }
        }
    }

    func cancel(_ request: LiveRequest) {
        for id in request.sequences {
            if let sequence = sequences[id] { end(sequence, LiveSequence.Ending(reason: .cancelled)) }
        }
    }

    /// Checks the books; for moments without work. A broken one is a bug of this program, never of a request.
    func audit() {
        var broken = scheduler.brokenInvariant()
        let statistics = scheduler.statistics
        if broken == nil, statistics.running + statistics.waiting != sequences.count {
            broken = "\(sequences.count) sequences live, the scheduler knows \(statistics)"
        }
        if broken == nil, statistics.heldBytes != sessions.heldBytes {
            broken = "sessions keep \(sessions.heldBytes) bytes, the scheduler knows \(statistics.heldBytes)"
        }
        if broken == nil { broken = brokenPrefixes() }
        guard let broken else { return }
        logger.critical("broken invariant", metadata: ["invariant": "\(broken)"])
        assertionFailure(broken)
    }

    // MARK: A step

    /// Schedules, computes, samples and tells. Does nothing but deadlines when there is nothing to compute.
    func step() {
        let begin = now()
        dropLateStarters()
        // Before others start: a session may keep some of what they held.
        for id in scheduler.removeExpired(now: begin) { expire(id) }
        endExpiredSessions()
        passOverFoundRows()
        makeRoomForStarts()
        let scheduled = scheduler.nextStep(now: begin)
        beginPrefixes(scheduled.started)
        trimPrefixes()
        for id in scheduled.started { start(id) }
        let plan = scheduled.plan
        if !plan.isEmpty {
            metrics.stepStarted(sequences: plan.decode.count + plan.prefill.count)
            fillBatch(plan)
            engine.run(batch) { origin, logits in sample(origin, logits) }
            let end = now()
            departed = 0
            pace.stepTook(plan, seconds: (end - begin) / .seconds(1), decodeShare: scheduler.decodeShare)
            scheduler.completed(plan, now: end)
            givePrefixes(plan)
            for piece in plan.prefill where isLast(piece) { finishPrompt(piece.sequence, at: end) }
            for id in plan.decode { takeToken(id, at: end) }
            gathering.stepEnded(
                at: end, duration: end - begin, departed: departed, running: scheduler.statistics.running)
        }
        publish()
    }

    private func fillBatch(_ plan: StepPlan) {
        batch.decode.removeAll(keepingCapacity: true)
        for id in plan.decode {
            guard let token = sequences[id]?.lastToken else { preconditionFailure("\(id) has no token to feed") }
            batch.decode.append(StepBatch.DecodeRow(sequence: id, token: token))
        }
        batch.prefill = plan.prefill
    }

    private func sample(_ origin: LogitsOrigin, _ logits: Span<Float>) {
        switch origin {
        case .next(let id): sequences[id]?.pick(from: logits, workspace: workspace)
        case .prompt(let id, let row): sequences[id]?.score(promptRow: row, from: logits, workspace: workspace)
        }
    }

    private func isLast(_ piece: PrefillPiece) -> Bool {
        guard let sequence = sequences[piece.sequence] else { return false }
        return piece.layers.upperBound == scheduler.limits.layerCount
            && piece.rows.upperBound == sequence.planned.plan.promptTokens
    }

    private func start(_ id: SequenceID) {
        guard let sequence = sequences[id] else { preconditionFailure("\(id) starts and is not here") }
        sequence.start(at: now())
        turnStarted(sequence.planned)
        engine.admit(
            SequenceAdmission(
                id: id, prompt: sequence.planned.promptRows, plan: sequence.planned.plan,
                promptLogits: sequence.planned.request.promptLogprobs, continued: sequence.planned.turn?.continued,
                prefix: prefixes.uses[id]?.prefix(blockTokens: prefixes.limits.blockTokens)))
    }

    private func finishPrompt(_ id: SequenceID, at time: Duration) {
        guard let sequence = sequences[id] else { return }
        sequence.times.promptDone = time
        endPrefixPrompt(id)
        metrics.promptDone(sequence, at: time)
        if let tokens = sequence.takeScoredPrompt(tokenizer: tokenizer) {
            post(.prompt(choice: sequence.planned.choice, tokens: tokens), of: sequence)
        }
        if sequence.planned.maxNewTokens == 0 {
            end(sequence, LiveSequence.Ending(reason: .length))
        } else {
            takeToken(id, at: time)
        }
    }

    private func takeToken(_ id: SequenceID, at time: Duration) {
        guard let sequence = sequences[id] else { return }
        guard let (chunk, ending) = sequence.takePicked() else {
            logger.error("a step gave no logits", metadata: ["sequence": "\(id)"])
            end(sequence, LiveSequence.Ending(reason: .error("the engine gave no logits")))
            return
        }
        metrics.tokenTaken(sequence, at: time)
        sequence.times.lastToken = time
        post(chunk, of: sequence)
        if let ending { end(sequence, ending) }
    }

    // MARK: Ends

    private func dropLateStarters() {
        let time = now()
        while let (id, deadline) = startDeadlines.first {
            guard let sequence = sequences[id], !sequence.isStarted else {
                startDeadlines.removeFirst()
                continue
            }
            guard deadline <= time else { return }
            startDeadlines.removeFirst()
            expire(id)
        }
    }

    private func expire(_ id: SequenceID) {
        guard let sequence = sequences[id] else { return }
        if !sequence.isStarted { metrics.rejected(.timeout) }
        end(sequence, LiveSequence.Ending(reason: .deadline))
    }

    /// The only place where a sequence ends: its bytes are free when this returns, and its last events are posted.
    private func end(_ sequence: LiveSequence, _ ending: LiveSequence.Ending) {
        let time = now()
        scheduler.finish(sequence.id, now: time)
        departed += 1
        post(sequence.flush(), of: sequence)
        var cache: KVCacheUsage?
        if sequence.isStarted {
            cache = engine.usage(of: sequence.id)
            if sequence.planned.turn == nil { engine.release(sequence.id) }
        }
        endTurn(sequence, ending.reason)
        endPrefix(sequence.id)
        var usage = sequence.usage(cache: cache, until: time)
        if ending.reason == .deadline, !sequence.isStarted {
            usage.retryAfterSeconds = retryAfterExpiry(of: sequence)
        }
        if ending.reason == .stop || ending.reason == .length {
            pace.ended(generated: sequence.generated, of: sequence.planned.maxNewTokens)
        }
        metrics.ended(sequence, ending.reason, usage, at: time)
        post(
            .finished(
                choice: sequence.planned.choice, reason: ending.reason, stopReason: ending.stopReason, usage: usage),
            of: sequence)
        sequences[sequence.id] = nil
        if sequence.request.remove(sequence.id) {
            requests[sequence.request.id] = nil
            outbox.close(sequence.request)
        }
    }

    // MARK: Events

    private func post(_ chunk: TextAssembler.Chunk, of sequence: LiveSequence) {
        guard !chunk.isEmpty else { return }
        post(
            .text(
                choice: sequence.planned.choice, text: chunk.text, tokens: chunk.tokens,
                generated: sequence.generated),
            of: sequence)
    }

    private func post(_ event: TokenEvent, of sequence: LiveSequence) {
        outbox.post(.token(prompt: sequence.planned.prompt, event), to: sequence.request)
    }

    /// Gauges first: who has the answer finds them up to date.
    private func publish() {
        makeRoomForStarts()
        metrics.prefixes.observe(prefixes.index)
        metrics.observe(scheduler.statistics)
        if sessions.isChanged {
            metrics.sessions.observe(count: sessions.count, busy: sessions.busyCount)
            sessions.isChanged = false
        }
        predictions.check(scheduler, now: now()) { metrics.predictionMissed(bySeconds: $0) }
        for _ in 0..<outbox.deliver() { liveRequests.leave() }
    }
}
