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
    private let liveRequests: LiveRequestCount
    private let logger: Logger
    let now: () -> Duration
    private let queueTimeout: Duration?
    private let workspace = SamplingWorkspace()
    var scheduler: Scheduler
    private(set) var requests: [RequestID: LiveRequest] = [:]
    private(set) var sequences: [SequenceID: LiveSequence] = [:]
    /// When each sequence must have started, oldest first.
    private var startDeadlines: Deque<(id: SequenceID, time: Duration)> = []
    private var outbox = Outbox()
    private var gathering = ArrivalGathering()
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
        queueTimeout = configuration.queueTimeout
        scheduler = Scheduler(limits: configuration.limits)
    }

    // MARK: Between steps

    /// The next step would do something at once.
    var hasWork: Bool { scheduler.hasWork }

    /// How long to wait for more work before the next step; nil is not at all. Asked again whenever something came.
    func waitBeforeStep() -> Duration? { hasWork ? gathering.wait(at: now()) : nil }

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

    private func accept(_ given: Submission, isStopping: Bool) {
        var submission = given
        if let turn = given.turn, !isStopping {
            do throws(TurnRefusal) {
                submission.sequences = [try plannedSequence(turn)]
            } catch {
                return refuse(LiveRequest(given), error)
            }
        }
        let request = LiveRequest(submission)
        let group = submission.sequences.map { admission($0, submission) }
        let decision = isStopping ? nil : scheduler.submit(group, now: now())
        guard case .queued = decision else {
            reject(request, decision)
            return
        }
        requests[request.id] = request
        gathering.arrived(group.count)
        var caches: [ResolvedCache] = []
        for planned in submission.sequences {
            if planned.choice == 0 { caches.append(ResolvedCache(planned.plan)) }
            sequences[planned.id] = LiveSequence(
                planned, of: request, tokenizer: tokenizer, submitted: submission.submittedAt)
            if let queueTimeout { startDeadlines.append((planned.id, submission.submittedAt + queueTimeout)) }
            beginTurn(planned, of: request.id)
        }
        outbox.post(.accepted(caches), to: request)
    }

    private func admission(_ planned: PlannedSequence, _ submission: Submission) -> Admission {
        Admission(
            id: planned.id, promptTokens: planned.plan.promptTokens, maxNewTokens: planned.maxNewTokens,
            passesByRows: planned.plan.passesByRows, peakBytes: planned.plan.peakBytes,
            steadyBytes: planned.plan.steadyBytes, deadline: submission.deadline,
            tenant: planned.turn?.key.owner.tenant ?? .anonymous, heldBytes: planned.turn?.heldBytes ?? 0)
    }

    private func refuse(_ request: LiveRequest, _ refusal: TurnRefusal) {
        switch refusal {
        case .session(let error): outbox.post(.rejected(.session(error)), to: request)
        case .request(let error):
            if case .neverFits = error { metrics.rejected(.neverFits) }
            outbox.post(.rejected(.unplannable(error)), to: request)
        }
        outbox.close(request)
    }

    private func reject(_ request: LiveRequest, _ decision: SubmitDecision?) {
        switch decision {
        case nil: outbox.post(.rejected(.stopping), to: request)
        case .queueFull(let seconds):
            metrics.rejected(.queueFull)
            outbox.post(.rejected(.queueFull(retryAfterSeconds: seconds)), to: request)
        case .neverFits(let needed, let limit):
            metrics.rejected(.neverFits)
            outbox.post(.rejected(.unplannable(.neverFits(neededBytes: needed, limitBytes: limit))), to: request)
        case .queued, .groupTooLarge:
            preconditionFailure("the planner let a request through that the scheduler answers with \(decision as Any)")
        }
        outbox.close(request)
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
        guard let broken else { return }
        logger.critical("broken invariant", metadata: ["invariant": "\(broken)"])
        assertionFailure(broken)
    }

    // MARK: A step

    /// Schedules, computes, samples and tells. Does nothing but deadlines when there is nothing to compute.
    func step() {
        dropLateStarters()
        endExpiredSessions()
        makeRoomForStarts()
        let begin = now()
        let scheduled = scheduler.nextStep(now: begin)
        for id in scheduled.expired { expire(id) }
        for id in scheduled.started { start(id) }
        let plan = scheduled.plan
        if !plan.isEmpty {
            metrics.stepStarted(sequences: plan.decode.count + plan.prefill.count)
            engine.run(batch(for: plan)) { origin, logits in sample(origin, logits) }
            let end = now()
            departed = 0
            scheduler.completed(plan, now: end)
            for piece in plan.prefill where isLast(piece) { finishPrompt(piece.sequence, at: end) }
            for id in plan.decode { takeToken(id, at: end) }
            gathering.stepEnded(
                at: end, duration: end - begin, departed: departed, running: scheduler.statistics.running)
        }
        publish()
    }

    private func batch(for plan: StepPlan) -> StepBatch {
        StepBatch(
            decode: plan.decode.map { id in
                guard let token = sequences[id]?.lastToken else { preconditionFailure("\(id) has no token to feed") }
                return StepBatch.DecodeRow(sequence: id, token: token)
            },
            prefill: plan.prefill)
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
                promptLogits: sequence.planned.request.promptLogprobs, continued: sequence.planned.turn?.continued))
    }

    private func finishPrompt(_ id: SequenceID, at time: Duration) {
        guard let sequence = sequences[id] else { return }
        sequence.times.promptDone = time
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
        let usage = sequence.usage(cache: cache, until: time)
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
        metrics.observe(scheduler.statistics)
        if sessions.isChanged {
            metrics.sessions.observe(count: sessions.count, busy: sessions.busyCount)
            sessions.isChanged = false
        }
        for _ in 0..<outbox.deliver() { liveRequests.leave() }
    }
}
