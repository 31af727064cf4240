internal import Sampling

/// A mean with its 95 % interval.
public struct Estimate: Sendable, Equatable {
    public let mean: Double
    public let low: Double
    public let high: Double

    public init(mean: Double, low: Double, high: Double) {
        self.mean = mean
        self.low = low
        self.high = high
    }

    /// The estimate of a rising function of the mean.
    func mapped(_ transform: (Double) -> Double) -> Estimate {
        Estimate(mean: transform(mean), low: transform(low), high: transform(high))
    }
}

/// Percentile bootstrap over samples (Efron 1979): the samples are drawn again with replacement, seeded, and the 2.5th
/// and 97.5th percentile of the means are the interval.
struct Bootstrap: Sendable {
    let resamples: Int
    let seed: UInt64

    /// Mean and interval of the values.
    func mean(_ values: [Double]) -> Estimate {
        guard !values.isEmpty else { return Estimate(mean: 0, low: 0, high: 0) }
        let mean = values.reduce(0, +) / Double(values.count)
        guard values.count > 1, resamples > 1, let first = values.first, values.contains(where: { $0 != first }) else {
            return Estimate(mean: mean, low: mean, high: mean)
        }
        var random = EvaluationRandom(seed: seed, stream: values.count)
        var means: [Double] = []
        means.reserveCapacity(resamples)
        for _ in 0..<resamples {
            var sum = 0.0
            for _ in values.indices { sum += values[random.below(values.count)] }
            means.append(sum / Double(values.count))
        }
        means.sort()
        return Estimate(mean: mean, low: Self.percentile(means, 0.025), high: Self.percentile(means, 0.975))
    }

    /// Mean and interval of `left[i] - right[i]`: the same inputs under two policies.
    func difference(_ left: [Double], _ right: [Double]) -> Estimate {
        precondition(left.count == right.count, "\(left.count) and \(right.count) samples are no pairs")
        return mean(zip(left, right).map { $0 - $1 })
    }

    /// Linear between neighbours; `sorted` is not empty.
    static func percentile(_ sorted: [Double], _ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let lower = Int(place)
        let upper = min(lower + 1, sorted.count - 1)
        return sorted[lower] + (sorted[upper] - sorted[lower]) * (place - Double(lower))
    }
}
