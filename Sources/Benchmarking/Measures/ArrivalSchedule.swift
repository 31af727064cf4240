internal import Glibc
internal import Sampling

/// When requests are sent.
public enum ArrivalSchedule: Sendable, Equatable {
    /// A new request as soon as one of `concurrency` clients has its answer.
    case closed(concurrency: Int)
    /// At times of a Poisson process of `rate` requests per second, whether or not answers have come.
    case poisson(rate: Double, seed: UInt64)

    /// Times of the first `count` requests in seconds, rising; nil where they depend on answers.
    /// Gaps are -ln(1 - u) / rate with u uniform, the same for the same seed on every machine.
    public func times(count: Int) -> [Double]? {
        guard case .poisson(let rate, let seed) = self else { return nil }
        let generator = SeededGenerator(seed: seed, choice: 0)
        var time = 0.0
        return (0..<count).map { index in
            defer { time -= log1p(-generator.uniform(UInt64(index))) / rate }
            return time
        }
    }
}
