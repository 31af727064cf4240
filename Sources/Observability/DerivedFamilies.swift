/// A series under a second name, with fixed labels.
private struct AliasFamily<Series: RenderedSeries>: RenderedFamily {
    let name: String
    let help: String
    let labels: String
    let series: Series

    func render(into text: inout String) {
        PrometheusText.appendHeader(name, help, Series.kind, to: &text)
        series.render(name: name, labels: labels, into: &text)
    }
}

/// Gauges that are read when they are rendered, one for each value of a label.
private struct MeasuredGauges: RenderedFamily {
    let name: String
    let help: String
    let label: String
    let values: [(value: String, read: @Sendable () -> Double)]

    func render(into text: inout String) {
        PrometheusText.appendHeader(name, help, .gauge, to: &text)
        for (value, read) in values {
            let labels = "\(label)=\"\(PrometheusText.escapedLabelValue(value))\""
            PrometheusText.appendSample(name, labels, read(), to: &text)
        }
    }
}

extension MetricFamily where Series == Counter {
    /// All series together.
    public var sum: Double { series.reduce(0) { $0 + $1.value } }
}

/// Families that show what others have counted.
extension MetricsRegistry {
    /// Shows a counter under a second name too.
    public func alias(_ name: String, _ help: String, labels: KeyValuePairs<String, String>, of series: Counter) {
        register(AliasFamily(name: name, help: help, labels: Self.text(labels), series: series))
    }

    /// Shows a gauge under a second name too.
    public func alias(_ name: String, _ help: String, labels: KeyValuePairs<String, String>, of series: Gauge) {
        register(AliasFamily(name: name, help: help, labels: Self.text(labels), series: series))
    }

    /// Shows a histogram under a second name too.
    public func alias(_ name: String, _ help: String, labels: KeyValuePairs<String, String>, of series: Histogram) {
        register(AliasFamily(name: name, help: help, labels: Self.text(labels), series: series))
    }

    /// Registers gauges that are read at every scrape, one for each value of a label.
    public func gauges(
        _ name: String, _ help: String, label: String,
        _ values: KeyValuePairs<String, @Sendable () -> Double>
    ) {
        precondition(PrometheusText.isMetricName(name) && PrometheusText.isLabelName(label), "\(name){\(label)}")
        register(
            MeasuredGauges(name: name, help: help, label: label, values: values.map { (value: $0.key, read: $0.value) })
        )
    }

    private static func text(_ labels: KeyValuePairs<String, String>) -> String {
        labels.map { name, value in
            precondition(PrometheusText.isLabelName(name), "\(name) is not a label name")
            return "\(name)=\"\(PrometheusText.escapedLabelValue(value))\""
        }.joined(separator: ",")
    }
}
