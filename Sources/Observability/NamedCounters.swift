internal import Synchronization

/// A counter for each name of a list that the operator keeps and may change while the server runs, such as API keys.
/// Names must not come from clients.
public final class NamedCounters: RenderedFamily {
    /// The most names; further ones share the series `other`.
    static let nameLimit = 4096

    let name: String
    private let help: String
    private let label: String
    private let counters = Mutex<[String: Counter]>([:])

    init(name: String, help: String, label: String) {
        precondition(PrometheusText.isMetricName(name), "\(name) is not a metric name")
        precondition(PrometheusText.isLabelName(label), "\(label) is not a label name")
        (self.name, self.help, self.label) = (name, help, label)
    }

    /// The counter of this value of the label; made when first asked for.
    public subscript(value: String) -> Counter {
        counters.withLock { counters in
            if let counter = counters[value] { return counter }
            let value = counters.count < Self.nameLimit ? value : LabelDimension.other
            let counter = counters[value] ?? Counter()
            counters[value] = counter
            return counter
        }
    }

    func render(into text: inout String) {
        PrometheusText.appendHeader(name, help, .counter, to: &text)
        for (value, counter) in counters.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            let labels = "\(label)=\"\(PrometheusText.escapedLabelValue(value))\""
            counter.render(name: name, labels: labels, into: &text)
        }
    }
}

extension MetricsRegistry {
    /// Registers a counter for each name of an operator's list.
    public func namedCounters(_ name: String, _ help: String, label: String) -> NamedCounters {
        let family = NamedCounters(name: name, help: help, label: label)
        register(family)
        return family
    }
}
