/// All series of one metric name: one per combination of label values, all made when the family is registered.
public final class MetricFamily<Series: MetricSeries>: Sendable {
    /// A family with more series than this renders only those that were touched.
    static var alwaysRendered: Int { 16 }
    /// The most series of a family: a limit on what a mistake in the label sets can cost.
    static var seriesLimit: Int { 16_384 }

    let name: String
    let help: String
    let labels: [LabelDimension]
    /// Row-major over `labels`.
    let series: [Series]

    init(name: String, help: String, labels: [LabelDimension], makeSeries: () -> Series) {
        precondition(PrometheusText.isMetricName(name), "\(name) is not a metric name")
        let count = labels.reduce(1) { $0 * $1.values.count }
        precondition(count <= Self.seriesLimit, "\(name) would have \(count) series")
        self.name = name
        self.help = help
        self.labels = labels
        series = (0..<count).map { _ in makeSeries() }
    }

    /// The series with these label values, given in the order of the family's labels.
    public subscript(values: String...) -> Series {
        precondition(values.count == labels.count, "\(name) has \(labels.count) labels, got \(values)")
        var index = 0
        for (label, value) in zip(labels, values) {
            index = index * label.values.count + label.index(of: value)
        }
        return series[index]
    }
}

/// A family whatever its kind, as the registry keeps it.
protocol RenderedFamily: Sendable {
    var name: String { get }
    func render(into text: inout String)
}

extension MetricFamily: RenderedFamily where Series: RenderedSeries {
    func render(into text: inout String) {
        PrometheusText.appendHeader(name, help, Series.kind, to: &text)
        for (index, series) in series.enumerated() {
            if self.series.count > Self.alwaysRendered && series.isUntouched { continue }
            series.render(name: name, labels: labelText(of: index), into: &text)
        }
    }

    private func labelText(of index: Int) -> String {
        var parts: [String] = []
        var rest = index
        for label in labels.reversed() {
            let value = PrometheusText.escapedLabelValue(label.values[rest % label.values.count])
            parts.append("\(label.name)=\"\(value)\"")
            rest /= label.values.count
        }
        return parts.reversed().joined(separator: ",")
    }
}
