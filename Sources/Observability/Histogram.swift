/// Counts of observations per bucket, with their sum. Safe and cheap from every thread; a scrape that runs between the
/// two writes of one observation sees a sum without its count, never a count that contradicts the buckets.
public final class Histogram: RenderedSeries {
    /// Upper edges of the buckets, rising; the last bucket, +Inf, is implied.
    public let edges: [Double]
    /// One count per edge, then that of +Inf. Not cumulative.
    private let counts: [AtomicDouble]
    private let sum = AtomicDouble(0)

    init(edges: [Double]) {
        precondition(!edges.isEmpty, "a histogram needs an edge")
        precondition(zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }, "edges do not rise: \(edges)")
        precondition(edges.allSatisfy(\.isFinite), "edges must be finite: \(edges)")
        self.edges = edges
        counts = (0...edges.count).map { _ in AtomicDouble(0) }
    }

    /// Counts `value` in the first bucket whose edge is not below it. NaN is dropped.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        sum.add(value)
        counts[bucket(of: value)].add(1)
    }

    /// Counts a time in seconds.
    public func observe(_ duration: Duration) {
        observe(duration / .seconds(1))
    }

    /// Observations so far.
    public var count: Int { counts.reduce(0) { $0 + Int($1.value) } }

    /// Sum of the observations so far.
    public var total: Double { sum.value }

    private func bucket(of value: Double) -> Int {
        var low = 0
        var high = edges.count
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    static var kind: MetricKind { .histogram }
    var isUntouched: Bool { count == 0 }

    func render(name: String, labels: String, into text: inout String) {
        var cumulative = 0.0
        for (index, count) in counts.enumerated() {
            cumulative += count.value
            let edge = index < edges.count ? PrometheusText.number(edges[index]) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            PrometheusText.appendSample("\(name)_bucket", "\(labels)\(separator)le=\"\(edge)\"", cumulative, to: &text)
        }
        PrometheusText.appendSample("\(name)_sum", labels, sum.value, to: &text)
        PrometheusText.appendSample("\(name)_count", labels, cumulative, to: &text)
    }
}
