/// A number that only grows, such as tokens generated. Safe and cheap from every thread.
public final class Counter: RenderedSeries {
    private let total = AtomicDouble(0)

    init() {}

    /// Adds `amount`, which is not negative.
    public func increment(by amount: Double) {
        precondition(amount >= 0, "a counter cannot grow by \(amount)")
        total.add(amount)
    }

    /// Adds `amount`, which is not negative.
    public func increment(by amount: Int) {
        increment(by: Double(amount))
    }

    public func increment() {
        total.add(1)
    }

    public var value: Double { total.value }

    static var kind: MetricKind { .counter }
    var isUntouched: Bool { total.value == 0 }

    func render(name: String, labels: String, into text: inout String) {
        PrometheusText.appendSample(name, labels, total.value, to: &text)
    }
}
