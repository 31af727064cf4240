internal import Logging
internal import Serving

/// Where the reports of requests go.
struct ReportSinks: Sendable {
    let logger: Logger
    let metrics: ServiceMetrics
    /// Byte-seconds by key.
    let gate: AccessGate
    let live: LiveReports
}
