internal import Observability

/// The metrics of beginnings that prompts share.
final class PrefixMetrics: Sendable {
    enum State: String, CaseIterable {
        case used, idle
    }

    let queries, hits: Counter
    private let evictions: Counter
    private let bytes: [State: Gauge]

    init(registry: MetricsRegistry) {
        queries = registry.counter(
            "keyhold_prefix_cache_queries_total", "Prompt tokens that were looked for among those of other prompts.")
        hits = registry.counter("keyhold_prefix_cache_hits_total", "Prompt tokens of these that were found.")
        evictions = registry.counter(
            "keyhold_prefix_cache_evictions_total", "Shared blocks that were dropped while nobody used them.")
        let family = registry.gauge(
            "keyhold_prefix_cache_bytes",
            "Shared blocks: those that running sequences use, and those that go as soon as their memory is wanted.",
            labels: [LabelDimension("state", State.self)])
        bytes = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, family[$0.rawValue]) })
    }

    func observe(_ index: PrefixIndex) {
        bytes[.used]?.set(index.usedBytes)
        bytes[.idle]?.set(index.idleBytes)
    }

    func found(_ tokens: Int, of prompt: Int) {
        queries.increment(by: prompt)
        hits.increment(by: tokens)
    }

    func evicted() { evictions.increment() }

    /// Bytes now.
    var idleBytes: Int { Int(bytes[.idle]?.value ?? 0) }
    var usedBytes: Int { Int(bytes[.used]?.value ?? 0) }
}
