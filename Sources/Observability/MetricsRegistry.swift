internal import Synchronization

/// The metrics of one server. Families are registered when the server is put together, updated from every thread
/// without a lock, and rendered by whoever answers `/metrics`.
public final class MetricsRegistry: Sendable {
    private let families = Mutex<[any RenderedFamily]>([])

    public init() {}

    /// Registers a counter without labels. By convention its name ends in `_total`.
    public func counter(_ name: String, _ help: String) -> Counter {
        counter(name, help, labels: [])[]
    }

    /// Registers a counter per combination of label values.
    public func counter(_ name: String, _ help: String, labels: [LabelDimension]) -> MetricFamily<Counter> {
        add(MetricFamily(name: name, help: help, labels: labels) { Counter() })
    }

    /// Registers a gauge without labels.
    public func gauge(_ name: String, _ help: String) -> Gauge {
        gauge(name, help, labels: [])[]
    }

    /// Registers a gauge per combination of label values.
    public func gauge(_ name: String, _ help: String, labels: [LabelDimension]) -> MetricFamily<Gauge> {
        add(MetricFamily(name: name, help: help, labels: labels) { Gauge() })
    }

    /// Registers a gauge that is read at every scrape, on the scraping thread.
    public func gauge(_ name: String, _ help: String, read: @escaping @Sendable () -> Double) {
        register(MeasuredFamily(name: name, help: help, kind: .gauge, read: read))
    }

    /// Registers a counter that is read at every scrape, on the scraping thread.
    public func counter(_ name: String, _ help: String, read: @escaping @Sendable () -> Double) {
        register(MeasuredFamily(name: name, help: help, kind: .counter, read: read))
    }

    /// Registers a histogram with the given bucket edges (see `BucketEdges`).
    public func histogram(_ name: String, _ help: String, edges: [Double]) -> Histogram {
        add(MetricFamily(name: name, help: help, labels: []) { Histogram(edges: edges) })[]
    }

    /// Registers facts as labels of a gauge that is always 1, as in `keyhold_build_info`.
    public func info(_ name: String, _ help: String, _ facts: KeyValuePairs<String, String>) {
        let labels = facts.map { LabelDimension($0.key, fixed: $0.value) }
        let family = add(MetricFamily(name: name, help: help, labels: labels) { Gauge() })
        family.series[0].set(1)
    }

    /// All families in the text format 0.0.4, in the order in which they were registered.
    public func prometheusText() -> String {
        let registered = families.withLock { $0 }
        var text = ""
        for family in registered { family.render(into: &text) }
        return text
    }

    private func add<Series: RenderedSeries>(_ family: MetricFamily<Series>) -> MetricFamily<Series> {
        register(family)
        return family
    }

    func register(_ family: any RenderedFamily) {
        families.withLock { families in
            precondition(!families.contains { $0.name == family.name }, "\(family.name) is registered twice")
            families.append(family)
        }
    }
}

/// One series whose value is asked for when it is rendered.
private struct MeasuredFamily: RenderedFamily {
    let name: String
    let help: String
    let kind: MetricKind
    let read: @Sendable () -> Double

    init(name: String, help: String, kind: MetricKind, read: @escaping @Sendable () -> Double) {
        precondition(PrometheusText.isMetricName(name), "\(name) is not a metric name")
        self.name = name
        self.help = help
        self.kind = kind
        self.read = read
    }

    func render(into text: inout String) {
        PrometheusText.appendHeader(name, help, kind, to: &text)
        PrometheusText.appendSample(name, "", read(), to: &text)
    }
}
