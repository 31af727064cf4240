internal import Observability

/// The metrics of sessions.
final class SessionMetrics: Sendable {
    private let sessions: [SessionReport.Status: Gauge]
    private let evicted: MetricFamily<Counter>

    init(registry: MetricsRegistry) {
        let family = registry.gauge(
            "keyhold_sessions", "Sessions by what they do.",
            labels: [LabelDimension("state", SessionReport.Status.allCases.map(\.rawValue))])
        sessions = Dictionary(uniqueKeysWithValues: SessionReport.Status.allCases.map { ($0, family[$0.rawValue]) })
        evicted = registry.counter(
            "keyhold_sessions_evicted_total", "Sessions that ended.",
            labels: [LabelDimension("reason", SessionEnd.self)])
    }

    func observe(count: Int, busy: Int) {
        sessions[.idle]?.set(count - busy)
        sessions[.busy]?.set(busy)
    }

    func ended(_ reason: SessionEnd) { evicted[reason.rawValue].increment() }
}
