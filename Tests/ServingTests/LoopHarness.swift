import Generation
import KVCaching
import Logging
import Observability
import Scheduling
import Synchronization
import Tokenization

@testable import Serving

/// An engine loop on the test's own thread, with a clock that the test turns.
final class LoopHarness {
    private final class Clock {
        var time = Duration.zero
    }

    static let layerCount = 3
    static let shape = CacheShape(layerCount: layerCount, kvHeads: 2, queryHeads: 4, headDim: 8, hiddenSize: 32)

    let loop: EngineLoop<FakeEngine>
    let record: EngineRecord
    let registry = MetricsRegistry()
    let liveRequests = LiveRequestCount()
    private let planner: SubmissionPlanner
    private let clock = Clock()
    private var nextRequest: UInt64 = 0
    private var nextSequence: UInt64 = 0
    private var contents = Inbox.Contents(submissions: [], wishes: [:], isStopping: false)

    /// Each step takes `stepTime` on the clock.
    init(
        model: FakeModel = FakeModel(), maxSequences: Int = 4, maxQueued: Int = 64, maxRows: Int = 8,
        poolBytes: Int = 1 << 22, context: Int = 256, queueTimeout: Duration? = nil,
        stepTime: Duration = .milliseconds(10), sessions: SessionLimits = SessionLimits(),
        prefixes: PrefixLimits = PrefixLimits(), mutation: SessionMutation? = nil,
        prefixMutation: PrefixMutation? = nil
    ) throws {
        var configuration = try Self.configuration(
            maxSequences: maxSequences, maxQueued: maxQueued, maxRows: maxRows, poolBytes: poolBytes,
            context: context, queueTimeout: queueTimeout)
        configuration.sessions = sessions
        configuration.prefixes = prefixes
        // A mistake must be found, not stopped by the pool itself.
        record = EngineRecord(poolBytes: mutation == nil && prefixMutation == nil ? poolBytes : 8 * poolBytes)
        planner = SubmissionPlanner(configuration: configuration)
        let (clock, record) = (clock, record)
        let engine = FakeEngine(model: model, record: record, layerCount: Self.layerCount) { _ in
            clock.time += stepTime
        }
        engine.mutation = mutation
        engine.prefixMutation = prefixMutation
        loop = EngineLoop(
            configuration: configuration, engine: engine, tokenizer: try TinyVocabulary.tokenizer(),
            metrics: ServiceMetrics(registry: registry, poolBytes: poolBytes, endpoints: ["completions"]) {
                record.arena.usedBytes
            },
            liveRequests: liveRequests, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { clock.time })
    }

    static func configuration(
        maxSequences: Int = 4, maxQueued: Int = 64, maxRows: Int = 8, poolBytes: Int = 1 << 22, context: Int = 256,
        queueTimeout: Duration? = nil
    ) throws -> ServiceConfiguration {
        var configuration = ServiceConfiguration(
            limits: try SchedulerLimits(
                maxSequences: maxSequences, maxQueuedSequences: maxQueued, layerCount: layerCount,
                maxRowsPerStep: maxRows, poolBytes: poolBytes),
            contextLength: context, vocabularySize: TinyVocabulary.size, cacheShape: shape, usesRoPE: true)
        configuration.queueTimeout = queueTimeout
        return configuration
    }

    var metricsText: String { registry.prometheusText() }

    var time: Duration {
        get { clock.time }
        set { clock.time = newValue }
    }

    /// Puts a request into the next inbox.
    func submit(
        _ requests: GenerationRequest..., deadline: Duration? = nil, tenant: Tenant = .anonymous,
        onEnd: @escaping @Sendable () -> Void = {}
    ) throws -> (id: RequestID, log: EventLog) {
        let sequences = try planner.sequences(of: requests, tenant: tenant) {
            defer { nextSequence += 1 }
            return SequenceID(nextSequence)
        }
        let log = EventLog(prompts: requests.count, choices: requests[0].choices, onEnd: onEnd)
        let id = RequestID(rawValue: nextRequest)
        nextRequest += 1
        liveRequests.enter()
        contents.submissions.append(
            Submission(
                id: id, sequences: sequences, submittedAt: time, deadline: deadline.map { time + $0 },
                terms: AdmissionTerms(tenant: tenant), onEvent: { log.receive($0) }))
        return (id, log)
    }

    /// Puts a turn of a session into the next inbox.
    func submit(
        _ request: GenerationRequest, in session: String, owner: SessionOwner = .anonymous,
        mode: SessionTurn.Mode = .append, deadline: Duration? = nil
    ) throws -> (id: RequestID, log: EventLog) {
        let key = SessionKey(owner: owner, id: session)
        let turn = try planner.turn(SessionTurn(key: key, mode: mode), request, id: newSequence())
        let log = EventLog(prompts: 1, choices: 1, onEnd: {})
        let id = RequestID(rawValue: nextRequest)
        nextRequest += 1
        liveRequests.enter()
        contents.submissions.append(
            Submission(
                id: id, sequences: [], turn: turn, submittedAt: time, deadline: deadline.map { time + $0 },
                terms: AdmissionTerms(tenant: owner.tenant), onEvent: { log.receive($0) }))
        return (id, log)
    }

    func newSequence() -> SequenceID {
        defer { nextSequence += 1 }
        return SequenceID(nextSequence)
    }

    /// Does what is asked at once, between two steps.
    @discardableResult
    func perform(_ action: SessionCommand.Action) throws -> SessionCommand.Answer {
        let box = Mutex<Result<SessionCommand.Answer, SessionError>?>(nil)
        let command = SessionCommand(action: action) { result in box.withLock { $0 = result } }
        loop.apply(Inbox.Contents(submissions: [], wishes: [:], commands: [command], isStopping: false))
        guard let result = box.withLock({ $0 }) else { throw TestFailure("no reply") }
        return try result.get()
    }

    /// The report that an action answers with.
    func report(_ action: SessionCommand.Action) throws -> SessionReport {
        guard case .session(let report) = try perform(action) else { throw TestFailure("no report") }
        return report
    }

    /// Makes a session.
    @discardableResult
    func makeSession(
        _ id: String, owner: SessionOwner = .anonymous, cache: KVCacheRequest = KVCacheRequest(),
        timeToLive: Duration? = nil
    ) throws -> SessionReport {
        var spec = SessionSpec(id: id, createdAt: 0)
        spec.cache = cache
        spec.timeToLive = timeToLive
        return try report(.create(spec, owner))
    }

    func cancel(_ id: RequestID) { contents.wishes[id, default: Inbox.Wish()].isCancelled = true }
    func setPaused(_ id: RequestID, _ isPaused: Bool) {
        contents.wishes[id, default: Inbox.Wish()].isPaused = isPaused
    }
    func stop() { contents.isStopping = true }

    /// One turn of the engine thread.
    func turn() {
        loop.apply(contents)
        contents.submissions = []
        contents.wishes = [:]
        loop.step()
    }

    /// Turns until nothing is left to do; a failure text if that takes more than `limit` turns.
    func runUntilIdle(limit: Int = 10_000) -> String? {
        for _ in 0..<limit {
            turn()
            if !loop.hasWork { return nil }
        }
        return "still busy after \(limit) turns"
    }
}

extension GenerationRequest {
    /// A greedy request for the tests.
    static func greedy(_ prompt: [TokenID], maxTokens: Int?) -> GenerationRequest {
        var request = GenerationRequest(prompt: prompt)
        request.sampling.temperature = 0
        request.stop.maxTokens = maxTokens
        request.stop.ignoreEOS = true
        return request
    }
}
