/// A number that goes up and down, such as requests running. Safe and cheap from every thread.
public final class Gauge: RenderedSeries {
    private let level = AtomicDouble(0)

    init() {}

    public func set(_ value: Double) {
        level.value = value
    }

    public func set(_ value: Int) {
        level.value = Double(value)
    }

    /// Adds `amount`, which may be negative.
    public func add(_ amount: Double) {
        level.add(amount)
    }

    public var value: Double { level.value }

    static var kind: MetricKind { .gauge }
    var isUntouched: Bool { level.value == 0 }

    func render(name: String, labels: String, into text: inout String) {
        PrometheusText.appendSample(name, labels, level.value, to: &text)
    }
}
