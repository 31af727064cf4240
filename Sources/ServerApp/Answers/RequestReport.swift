internal import Generation
internal import Logging
internal import Observability
internal import Serving
internal import Synchronization

/// What is known of a request when it is over: one log line and one count in the metrics.
///
/// A request is over when its exchange has closed and its answer is complete, whichever comes last: a client that
/// leaves closes first, and the sequences end a step later.
final class RequestReport: Sendable {
    /// Who asked for what.
    struct Identity: Sendable {
        let requestID: String
        let method: String
        let path: String
        let remoteAddress: String
        /// nil where no route matched.
        let route: Route?
    }

    private struct Facts {
        var status = 0
        var promptTokens = 0
        var cache: ResolvedCache?
        var usages: [GenerationUsage] = []
        var finish: FinishReason?
        var firstTokenAt: ContinuousClock.Instant?
        var isComplete = false
        var isClosed = false
        var isClientGone = false
    }

    let identity: Identity
    private let logger: Logger
    private let metrics: ServiceMetrics
    private let startedAt = ContinuousClock.now
    private let facts = Mutex(Facts())

    init(identity: Identity, logger: Logger, metrics: ServiceMetrics) {
        self.identity = identity
        self.logger = logger
        self.metrics = metrics
    }

    /// The status line was sent.
    func answered(status: Int) { facts.withLock { $0.status = status } }

    func accepted(_ caches: [ResolvedCache], promptTokens: Int) {
        facts.withLock { facts in
            facts.cache = caches.first
            facts.promptTokens = promptTokens
        }
    }

    /// An event of one of the choices.
    func observe(_ event: TokenEvent) {
        facts.withLock { facts in
            switch event {
            case .prompt: break
            case .text: facts.firstTokenAt = facts.firstTokenAt ?? .now
            case .finished(_, let reason, _, let usage):
                facts.usages.append(usage)
                if case .error = facts.finish { return }
                facts.finish = reason
            }
        }
    }

    /// Nothing more will be computed for the request.
    func complete() {
        conclude { $0.isComplete = true }
    }

    /// The exchange has ended.
    func closed(clientGone: Bool) {
        conclude { facts in
            facts.isClosed = true
            facts.isClientGone = clientGone
        }
    }

    private func conclude(_ change: (inout Facts) -> Void) {
        let final = facts.withLock { facts -> Facts? in
            let wasOver = facts.isComplete && facts.isClosed
            change(&facts)
            return !wasOver && facts.isComplete && facts.isClosed ? facts : nil
        }
        if let final { report(final) }
    }

    private func report(_ facts: Facts) {
        let status = facts.status == 0 && facts.isClientGone ? 499 : facts.status
        metrics.answered(
            endpoint: identity.route?.label ?? LabelDimension.other, code: status,
            finish: ServiceMetrics.FinishLabel(facts.finish), policy: facts.cache?.policy ?? LabelDimension.other)
        // Probes come every few seconds for ever.
        logger.log(level: isProbe ? .debug : .info, "request", metadata: metadata(facts, status: status))
    }

    private var isProbe: Bool {
        switch identity.route {
        case .health, .ready, .live, .metrics: true
        default: false
        }
    }

    private func metadata(_ facts: Facts, status: Int) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request_id": "\(identity.requestID)", "remote": "\(identity.remoteAddress)",
            "method": "\(identity.method)",
            "path": "\(identity.path)", "status": "\(status)",
            "duration_ms": Self.milliseconds(ContinuousClock.now - startedAt),
        ]
        if facts.isClientGone { metadata["client_gone"] = "true" }
        if let first = facts.firstTokenAt { metadata["ttft_ms"] = Self.milliseconds(first - startedAt) }
        if let finish = facts.finish { metadata["finish_reason"] = "\(ServiceMetrics.FinishLabel(finish).rawValue)" }
        if let cache = facts.cache {
            metadata["kv_policy"] = "\(cache.policy)"
            metadata["kv_budget_tokens"] = "\(cache.budgetTokens)"
            metadata["prompt_tokens"] = "\(facts.promptTokens)"
        }
        guard !facts.usages.isEmpty else { return metadata }
        let usages = facts.usages
        metadata["completion_tokens"] = "\(usages.map(\.completionTokens).reduce(0, +))"
        metadata["kv_peak_bytes"] = "\(usages.map(\.cache.peakBytes).reduce(0, +))"
        metadata["evicted_tokens"] = "\(usages.map(\.cache.evictedTokens).reduce(0, +))"
        metadata["byte_seconds"] = "\(usages.map(\.byteSeconds).reduce(0, +).rounded())"
        metadata["queue_ms"] = Self.milliseconds(.seconds(usages.map(\.queueSeconds).max() ?? 0))
        metadata["prefill_ms"] = Self.milliseconds(.seconds(usages.map(\.prefillSeconds).max() ?? 0))
        metadata["decode_ms"] = Self.milliseconds(.seconds(usages.map(\.decodeSeconds).max() ?? 0))
        return metadata
    }

    private static func milliseconds(_ duration: Duration) -> Logger.MetadataValue {
        let tenths = (duration / .microseconds(100)).rounded()
        return "\(tenths / 10)"
    }
}
