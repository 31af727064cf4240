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
        /// Name of the API key, or `anonymous`; nil for a request that was turned away.
        let key: String?
        /// nil where no route matched.
        let route: Route?
    }

    private struct Facts {
        var status = 0
        var promptTokens = 0
        var cache: ResolvedCache?
        var usages: [GenerationUsage] = []
        var finish: FinishReason?
        /// Tokens of the choice that spoke last.
        var generated = 0
        var model: String?
        var session: String?
        var firstTokenAt: ContinuousClock.Instant?
        var isComplete = false
        var isClosed = false
        var isClientGone = false
    }

    /// What can be said while it runs.
    struct Snapshot: Sendable, Equatable {
        var requestID, key, policy: String
        var isDecoding: Bool
        var ageSeconds: Double
        var promptTokens, generatedTokens, budgetTokens, bytes: Int
    }

    let identity: Identity
    let startedAt = ContinuousClock.now
    private let sinks: ReportSinks
    private let facts = Mutex(Facts())

    init(identity: Identity, sinks: ReportSinks) {
        self.identity = identity
        self.sinks = sinks
    }

    /// How far it is.
    var snapshot: Snapshot {
        let facts = facts.withLock { $0 }
        let cache = facts.cache
        return Snapshot(
            requestID: identity.requestID, key: identity.key ?? "", policy: cache?.policy ?? "",
            isDecoding: facts.firstTokenAt != nil, ageSeconds: (ContinuousClock.now - startedAt) / .seconds(1),
            promptTokens: facts.promptTokens, generatedTokens: facts.generated,
            budgetTokens: cache?.budgetTokens ?? 0,
            bytes: (facts.firstTokenAt == nil ? cache?.peakBytes : cache?.steadyBytes) ?? 0)
    }

    /// Which model is asked.
    func asked(model: String) { facts.withLock { $0.model = model } }

    /// Which session takes part. The name must be one that a session can have.
    func asked(session: String) { facts.withLock { $0.session = session } }

    /// The status line was sent.
    func answered(status: Int) { facts.withLock { $0.status = status } }

    func accepted(_ caches: [ResolvedCache], promptTokens: Int) {
        facts.withLock { facts in
            facts.cache = caches.first
            facts.promptTokens = promptTokens
        }
        sinks.live.enter(self)
    }

    /// An event of one of the choices.
    func observe(_ event: TokenEvent) {
        facts.withLock { facts in
            switch event {
            case .prompt: break
            case .text(_, _, _, let generated):
                facts.firstTokenAt = facts.firstTokenAt ?? .now
                facts.generated = generated
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
        guard let final else { return }
        sinks.live.leave(self)
        report(final)
    }

    private func report(_ facts: Facts) {
        let status = facts.status == 0 && facts.isClientGone ? 499 : facts.status
        sinks.metrics.answered(
            endpoint: identity.route?.label ?? LabelDimension.other, code: status,
            finish: ServiceMetrics.FinishLabel(facts.finish), policy: facts.cache?.policy ?? LabelDimension.other)
        if let key = identity.key, !facts.usages.isEmpty {
            sinks.gate.charge(key, byteSeconds: facts.usages.map(\.byteSeconds).reduce(0, +))
        }
        // Probes come every few seconds for ever.
        sinks.logger.log(level: isProbe ? .debug : .info, "request", metadata: metadata(facts, status: status))
    }

    private var isProbe: Bool {
        switch identity.route {
        case .health, .ready, .live, .metrics, .status: true
        default: false
        }
    }

    private func metadata(_ facts: Facts, status: Int) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request_id": "\(identity.requestID)", "remote": "\(identity.remoteAddress)",
            "method": "\(identity.method)", "path": "\(identity.path)", "status": .stringConvertible(status),
            "duration_ms": Self.milliseconds(ContinuousClock.now - startedAt),
        ]
        if let key = identity.key { metadata["key_name"] = "\(key)" }
        if let model = facts.model { metadata["model"] = "\(model)" }
        if let session = facts.session { metadata["session_id"] = "\(session)" }
        if facts.isClientGone { metadata["client_gone"] = .stringConvertible(true) }
        if let first = facts.firstTokenAt { metadata["ttft_ms"] = Self.milliseconds(first - startedAt) }
        if let finish = facts.finish { metadata["finish_reason"] = "\(ServiceMetrics.FinishLabel(finish).rawValue)" }
        if let cache = facts.cache {
            metadata["kv_policy"] = "\(cache.policy)"
            metadata["kv_budget_tokens"] = .stringConvertible(cache.budgetTokens)
            metadata["prompt_tokens"] = .stringConvertible(facts.promptTokens)
        }
        if !facts.usages.isEmpty { metadata.merge(Self.metadata(facts.usages)) { _, new in new } }
        return metadata
    }

    /// What the choices cost together.
    private static func metadata(_ usages: [GenerationUsage]) -> Logger.Metadata {
        let decodeSeconds = usages.map(\.decodeSeconds).max() ?? 0
        var metadata: Logger.Metadata = [
            "completion_tokens": .stringConvertible(usages.map(\.completionTokens).reduce(0, +)),
            "kv_peak_bytes": .stringConvertible(usages.map(\.cache.peakBytes).reduce(0, +)),
            "evicted_tokens": .stringConvertible(usages.map(\.cache.evictedTokens).reduce(0, +)),
            "byte_seconds": .stringConvertible(usages.map(\.byteSeconds).reduce(0, +).rounded()),
            "queue_ms": milliseconds(.seconds(usages.map(\.queueSeconds).max() ?? 0)),
            "prefill_ms": milliseconds(.seconds(usages.map(\.prefillSeconds).max() ?? 0)),
            "decode_ms": milliseconds(.seconds(decodeSeconds)),
        ]
        if let longest = usages.map(\.completionTokens).max(), longest > 1 {
            metadata["tpot_ms"] = milliseconds(.seconds(decodeSeconds / Double(longest - 1)))
        }
        if usages.contains(where: \.cache.isShrunk) { metadata["kv_shrunk"] = .stringConvertible(true) }
        return metadata
    }

    private static func milliseconds(_ duration: Duration) -> Logger.MetadataValue {
        let tenths = (duration / .microseconds(100)).rounded()
        return .stringConvertible(tenths / 10)
    }
}
