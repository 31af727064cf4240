/// The word of a `# TYPE` line.
enum MetricKind: String {
    case counter, gauge, histogram
}

/// One time series of a family: a counter, a gauge or a histogram.
public protocol MetricSeries: AnyObject, Sendable {}

/// What the exposition needs of a series.
protocol RenderedSeries: MetricSeries {
    static var kind: MetricKind { get }
    /// Nothing has been counted or set yet.
    var isUntouched: Bool { get }
    /// Appends the sample lines. `labels` is the text between the braces, without them.
    func render(name: String, labels: String, into text: inout String)
}
