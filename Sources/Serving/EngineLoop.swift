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
    private let engine: Engine
    private let tokenizer: Tokenizer
    private let metrics: ServiceMetrics
    private let liveRequests: LiveRequestCount
    private let logger: Logger
    private let now: () -> Duration
    private let queueTimeout: Duration?
    private let workspace = SamplingWorkspace()
    private var scheduler: Scheduler
    private var requests: [RequestID: LiveRequest] = [:]
    private var sequences: [SequenceID: LiveSequence] = [:]
    /// When each sequence must have started, oldest first.
    private var startDeadlines: Deque<(id: SequenceID, time: Duration)> = []
    private var outbox = Outbox()
    private var gathering = ArrivalGathering()
    private let fitting: PoolFitting
    private var pace = StepPace()
    private var predictions = RetryPredictions()
    private var placeForecast = RecentForecast()
    private var startForecast = RecentForecast()
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
        queueTimeout = configuration.queueTimeout
        fitting = PoolFitting(planner: SubmissionPlanner(configuration: configuration))
        scheduler = Scheduler(limits: configuration.limits)
    }

    // MARK: Between steps

    /// The next step would do something at once.
    var hasWork: Bool { scheduler.hasWork }

    /// How long to wait for more work before the next step; nil is not at all. Asked again whenever something came.
    func waitBeforeStep() -> Duration? { hasWork ? gathering.wait(at: now()) : nil }

    /// When the next step has something to do even if nothing happens.
    var nextDeadline: Duration? {
        [scheduler.nextDeadline, startDeadlines.first?.time].compactMap(\.self).min()
    }

    /// Takes in submissions and wishes, in this order, and answers them. With `isStopping`, everything ends.
    func apply(_ contents: Inbox.Contents) {
        for submission in contents.submissions { accept(submission, isStopping: contents.isStopping) }
        for (id, wish) in contents.wishes {
            if let request = requests[id] { grant(wish, to: request) }
        }
        if contents.isStopping {
            for request in requests.values.sorted(by: { $0.id.rawValue < $1.id.rawValue }) { cancel(request) }
        }
        publish()
    }

    private func accept(_ submission: Submission, isStopping: Bool) {
        let request = LiveRequest(submission)
        guard !isStopping, let planned = fitted(submission, request) else {
            if isStopping { reject(request, .stopping) }
            return
        }
        let group = planned.map { admission($0, submission) }
        switch scheduler.submit(group, now: now()) {
        case .queued: break
        case .queueFull(let seconds):
            metrics.rejected(.queueFull)
            let predicted = placeForecast.seconds(now: now(), tenant: 0) {
                scheduler.secondsUntilPlaces(for: group, pace: pace) ?? Double(seconds)
            }
            let told = tell(predicted ?? Double(seconds), need: .places(group.count))
            return reject(request, .queueFull(retryAfterSeconds: told))
        case .neverFits, .groupTooLarge: preconditionFailure("the planner let through what the scheduler refuses")
        }
        requests[request.id] = request
        gathering.arrived(group.count)
        var caches: [ResolvedCache] = []
        for planned in planned {
            if planned.choice == 0 { caches.append(ResolvedCache(planned.plan)) }
            sequences[planned.id] = LiveSequence(
                planned, of: request, tokenizer: tokenizer, submitted: submission.submittedAt)
            if let queueTimeout { startDeadlines.append((planned.id, submission.submittedAt + queueTimeout)) }
        }
        outbox.post(.accepted(caches), to: request)
    }

    private func admission(_ planned: PlannedSequence, _ submission: Submission) -> Admission {
        Admission(
            id: planned.id, promptTokens: planned.request.prompt.count, maxNewTokens: planned.maxNewTokens,
            passesByRows: planned.plan.passesByRows, peakBytes: planned.plan.peakBytes,
            steadyBytes: planned.plan.steadyBytes, deadline: submission.deadline, tenant: submission.terms.tenant,
            priority: submission.terms.priority)
    }

    /// The sequences as they can be submitted now; nil if they were refused.
    private func fitted(_ submission: Submission, _ request: LiveRequest) -> [PlannedSequence]? {
        let decision = fitting.decide(submission, in: scheduler, now: now()) { sequences in
            sequences.map { admission($0, submission) }
        }
        switch decision {
        case .asPlanned: return submission.sequences
        case .shrunk(let sequences):
            metrics.shrunk()
            return sequences
        case .refused:
            metrics.rejected(.poolFull)
            let bytes = submission.sequences.reduce(0) { $0 + $1.startBytes }
            let seconds = startForecast.seconds(now: now(), tenant: submission.terms.tenant.id) {
                scheduler.secondsUntilStart(of: submission.sequences.map { admission($0, submission) }, pace: pace)
            }
            let told = tell(
                seconds ?? 1,
                need: .room(
                    sequences: submission.sequences.count, bytes: bytes, tenant: submission.terms.tenant))
            reject(request, .poolFull(retryAfterSeconds: told))
            return nil
        }
    }

    /// What a refused client hears about when to come back; whether it was right goes into the metrics.
    private func tell(_ seconds: Double, need: RetryPredictions.Need) -> Int {
        let told = Int(min(120, max(1, seconds.rounded(.up))))
        predictions.told(told, need: need, now: now())
        return told
    }

    private func reject(_ request: LiveRequest, _ rejection: Rejection) {
        outbox.post(.rejected(rejection), to: request)
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

    private func cancel(_ request: LiveRequest) {
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
        guard let broken else { return }
        logger.critical("broken invariant", metadata: ["invariant": "\(broken)"])
        assertionFailure(broken)
    }

    // MARK: A step

    /// Schedules, computes, samples and tells. Does nothing but deadlines when there is nothing to compute.
    func step() {
        dropLateStarters()
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
            pace.stepTook(plan, seconds: (end - begin) / .seconds(1))
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
            && piece.rows.upperBound == sequence.planned.request.prompt.count
    }

    private func start(_ id: SequenceID) {
        guard let sequence = sequences[id] else { preconditionFailure("\(id) starts and is not here") }
        sequence.start(at: now())
        engine.admit(
            SequenceAdmission(
                id: id, prompt: sequence.planned.request.prompt, plan: sequence.planned.plan,
                promptLogits: sequence.planned.request.promptLogprobs))
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

    /// A prediction for a sequence that has waited too long, just after it left the queue.
    private func retryAfterExpiry(of sequence: LiveSequence) -> Int {
        let plan = sequence.planned.plan
        let seconds = startForecast.seconds(now: now(), tenant: 0) {
            let again = Admission(
                id: sequence.id, promptTokens: plan.promptTokens, maxNewTokens: sequence.planned.maxNewTokens,
                passesByRows: plan.passesByRows, peakBytes: plan.peakBytes, steadyBytes: plan.steadyBytes,
                deadline: nil)
            return scheduler.secondsUntilStart(of: [again], pace: pace)
        }
        return Int(min(120, max(1, (seconds ?? 1).rounded(.up))))
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
            engine.release(sequence.id)
        }
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
        metrics.observe(scheduler.statistics)
        predictions.check(scheduler, now: now()) { metrics.predictionMissed(bySeconds: $0) }
        for _ in 0..<outbox.deliver() { liveRequests.leave() }
    }
}
