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
        stepTime: Duration = .milliseconds(10)
    ) throws {
        let configuration = try Self.configuration(
            maxSequences: maxSequences, maxQueued: maxQueued, maxRows: maxRows, poolBytes: poolBytes,
            context: context, queueTimeout: queueTimeout)
        record = EngineRecord(poolBytes: poolBytes)
        planner = SubmissionPlanner(configuration: configuration)
        let (clock, record) = (clock, record)
        let engine = FakeEngine(model: model, record: record, layerCount: Self.layerCount) { _ in
            clock.time += stepTime
        }
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
        _ requests: GenerationRequest..., deadline: Duration? = nil, onEnd: @escaping @Sendable () -> Void = {}
    ) throws -> (id: RequestID, log: EventLog) {
        let sequences = try planner.sequences(of: requests) {
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
                onEvent: { log.receive($0) }))
        return (id, log)
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
