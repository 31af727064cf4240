/// Repeated measurements of one quantity: their middle and their spread.
public struct Summary: Sendable, Equatable {
    /// Rising.
    public let sorted: [Double]

    /// At least one sample.
    public init(_ samples: [Double]) {
        precondition(!samples.isEmpty, "no samples")
        sorted = samples.sorted()
    }

    /// The ratios of two quantities that were measured in turns, so that each pair saw the same machine: at least one
    /// pair, and no `right` is 0.
    public init(ratiosOf left: [Double], over right: [Double]) {
        precondition(left.count == right.count, "\(left.count) and \(right.count) samples are no pairs")
        self.init(zip(left, right).map { $0 / $1 })
    }

    public var count: Int { sorted.count }
    public var median: Double { percentile(0.5) }
    public var minimum: Double { sorted[0] }
    public var maximum: Double { sorted[sorted.count - 1] }
    public var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }

    /// The value below which `share` of the samples lie, linear between neighbours; `share` is in 0...1.
    public func percentile(_ share: Double) -> Double {
        precondition(share >= 0 && share <= 1, "percentile \(share)")
        let place = share * Double(sorted.count - 1)
        let lower = Int(place)
        let upper = min(lower + 1, sorted.count - 1)
        return sorted[lower] + (sorted[upper] - sorted[lower]) * (place - Double(lower))
    }

    /// Half the distance between the quartiles as a share of the median: how far a typical repetition is off.
    public var relativeSpread: Double {
        median == 0 ? 0 : (percentile(0.75) - percentile(0.25)) / 2 / abs(median)
    }

    /// The summary of a falling function of the samples, such as a rate of times.
    func mapped(_ transform: (Double) -> Double) -> Summary { Summary(sorted.map(transform)) }
}
