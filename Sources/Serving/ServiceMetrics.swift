public import Generation
internal import KVCaching
public import Observability
internal import Scheduling

/// The `keyhold_` metrics of requests, tokens and the cache pool. Everything but `answered` is updated by the service.
public final class ServiceMetrics: Sendable {
    /// Label of `keyhold_admission_rejections_total`.
    public enum RejectionReason: String, CaseIterable, Sendable {
        case poolFull = "pool_full"
        case queueFull = "queue_full"
        case neverFits = "never_fits"
        case timeout
    }

    /// Label of `keyhold_requests_total`; `none` for answers that come from no sequence.
    public enum FinishLabel: String, CaseIterable, Sendable {
        case stop, length, cancelled, deadline, error, none

        /// The label of a finish reason; nil is `none`.
        public init(_ reason: FinishReason?) {
            switch reason {
            case .stop: self = .stop
            case .length: self = .length
            case .cancelled: self = .cancelled
            case .deadline: self = .deadline
            case .error: self = .error
            case nil: self = .none
            }
        }
    }

    enum PoolState: String, CaseIterable {
        case total, reserved, used
        case sessionIdle = "session_idle"
    }

    let sessions: SessionMetrics
    let prefixes: PrefixMetrics
    let poolBytes: Int
    let usedBytes: @Sendable () -> Int
    let running, waiting, usageRatio: Gauge
    let pool: [PoolState: Gauge]
    private let requests: MetricFamily<Counter>
    let promptTokens, cachedTokens, generationTokens, disconnects: Counter
    let evictedTokens, rejections: MetricFamily<Counter>
    let timeToFirstToken, interTokenLatency, timePerOutputToken: Histogram
    let requestDuration, queueTime, prefillTime, decodeTime: Histogram
    private let batchSize, budgetRatio, peakBytes, predictionError: Histogram
    private let shrinks: Counter

    /// Registers everything. `endpoints` are the values of that label; `usedBytes` is the arena's true use.
    public init(
        registry: MetricsRegistry, poolBytes: Int, endpoints: [String], usedBytes: @escaping @Sendable () -> Int
    ) {
        sessions = SessionMetrics(registry: registry)
        prefixes = PrefixMetrics(registry: registry)
        self.poolBytes = poolBytes
        self.usedBytes = usedBytes
        running = registry.gauge("keyhold_requests_running", "Sequences that hold cache memory.")
        waiting = registry.gauge("keyhold_requests_waiting", "Sequences in the queue.")
        usageRatio = registry.gauge("keyhold_kv_cache_usage_ratio", "Reserved share of the KV pool, 0 to 1.")
        let pools = registry.gauge(
            "keyhold_kv_pool_bytes",
            "KV pool: its size, what is reserved, what caches hold now, what sessions keep between requests.",
            labels: [LabelDimension("state", PoolState.self)])
        pool = Dictionary(uniqueKeysWithValues: PoolState.allCases.map { ($0, pools[$0.rawValue]) })
        pool[.total]?.set(poolBytes)
        let policy = LabelDimension("policy", PolicyTable.names)
        requests = registry.counter(
            "keyhold_requests_total", "Answered requests.",
            labels: [
                LabelDimension("endpoint", endpoints), LabelDimension("code", Self.codes),
                LabelDimension("finish_reason", FinishLabel.self), policy,
            ])
        promptTokens = registry.counter("keyhold_prompt_tokens_total", "Prompt tokens read.")
        cachedTokens = registry.counter(
            "keyhold_prompt_tokens_cached_total", "Prompt tokens that a session or another prompt had read before.")
        generationTokens = registry.counter("keyhold_generation_tokens_total", "Tokens generated.")
        evictedTokens = registry.counter(
            "keyhold_kv_evicted_tokens_total", "Tokens that policies dropped from caches.", labels: [policy])
        rejections = registry.counter(
            "keyhold_admission_rejections_total", "Requests turned away, and sequences that waited too long.",
            labels: [LabelDimension("reason", RejectionReason.self)])
        disconnects = registry.counter("keyhold_client_disconnects_total", "Requests whose client left before the end.")
        let first = BucketEdges.timeToFirstToken
        let perToken = BucketEdges.timePerToken
        timeToFirstToken = registry.histogram(
            "keyhold_time_to_first_token_seconds", "From submission to the first token.", edges: first)
        interTokenLatency = registry.histogram(
            "keyhold_inter_token_latency_seconds", "Between two tokens of a sequence.", edges: perToken)
        timePerOutputToken = registry.histogram(
            "keyhold_time_per_output_token_seconds", "Mean time per token after the first.", edges: perToken)
        requestDuration = registry.histogram(
            "keyhold_request_duration_seconds", "From submission to the end of a sequence.",
            edges: BucketEdges.requestDuration)
        queueTime = registry.histogram("keyhold_queue_time_seconds", "From submission to the start.", edges: first)
        prefillTime = registry.histogram("keyhold_prefill_seconds", "From the start to the prompt's end.", edges: first)
        decodeTime = registry.histogram(
            "keyhold_decode_seconds", "From the prompt's end to the sequence's.", edges: BucketEdges.requestDuration)
        batchSize = registry.histogram(
            "keyhold_batch_size", "Sequences computed together in a step.", edges: BucketEdges.batchSize)
        budgetRatio = registry.histogram(
            "keyhold_request_kv_budget_ratio", "Cache budget over prompt tokens.", edges: BucketEdges.ratio)
        peakBytes = registry.histogram(
            "keyhold_request_kv_peak_bytes", "Most cache bytes a sequence held.", edges: BucketEdges.bytes)
        predictionError = registry.histogram(
            "keyhold_retry_after_error_seconds", "By how much the Retry-After of a refusal missed the time of room.",
            edges: BucketEdges.requestDuration)
        shrinks = registry.counter(
            "keyhold_kv_shrinks_total", "Requests that got a smaller budget because the pool was full.")
    }

    /// Values of the label `code`.
    private static let codes = [
        "200", "201", "204", "400", "401", "403", "404", "405", "408", "409", "413", "415", "429", "431", "499",
        "500", "503", "507",
    ]

    /// Counts an answered HTTP request. `code` 499 is a client that left before the answer began.
    public func answered(endpoint: String, code: Int, finish: FinishLabel, policy: String) {
        requests[endpoint, "\(code)", finish.rawValue, policy].increment()
    }

    // MARK: For the service

    func rejected(_ reason: RejectionReason) {
        rejections[reason.rawValue].increment()
    }

    func shrunk() {
        shrinks.increment()
    }

    func predictionMissed(bySeconds seconds: Double) {
        predictionError.observe(seconds)
    }

    func clientLeft() {
        disconnects.increment()
    }

    func observe(_ statistics: SchedulerStatistics) {
        running.set(statistics.running)
        waiting.set(statistics.waiting)
        let reserved = statistics.reservedBytes + statistics.sharedBytes
        usageRatio.set(Double(reserved) / Double(poolBytes))
        pool[.reserved]?.set(reserved)
        pool[.sessionIdle]?.set(statistics.heldBytes)
        pool[.used]?.set(heldBytes)
    }

    /// What caches hold: all of the pool's memory but blocks that nobody uses.
    var heldBytes: Int { max(0, usedBytes() - prefixes.idleBytes) }

    func stepStarted(sequences: Int) {
        batchSize.observe(Double(sequences))
    }

    func promptDone(_ sequence: LiveSequence, at time: Duration) {
        promptTokens.increment(by: sequence.planned.plan.promptTokens - sequence.found.rows)
        cachedTokens.increment(by: sequence.cachedTokens)
        queueTime.observe(sequence.times.queueSeconds(until: time))
        prefillTime.observe(sequence.times.prefillSeconds(until: time))
    }

    func tokenTaken(_ sequence: LiveSequence, at time: Duration) {
        generationTokens.increment()
        if let last = sequence.times.lastToken {
            interTokenLatency.observe(time - last)
        } else {
            timeToFirstToken.observe(time - sequence.times.submitted)
        }
    }

    func ended(_ sequence: LiveSequence, _ reason: FinishReason, _ usage: GenerationUsage, at time: Duration) {
        guard sequence.isStarted else { return }
        budgetRatio.observe(Double(usage.cache.budgetTokens) / Double(usage.promptTokens))
        peakBytes.observe(Double(usage.cache.peakBytes))
        evictedTokens[usage.cache.policy].increment(by: usage.cache.evictedTokens)
        guard reason == .stop || reason == .length else { return }
        requestDuration.observe(time - sequence.times.submitted)
        decodeTime.observe(usage.decodeSeconds)
        if usage.completionTokens > 1 {
            timePerOutputToken.observe(usage.decodeSeconds / Double(usage.completionTokens - 1))
        }
    }
}
