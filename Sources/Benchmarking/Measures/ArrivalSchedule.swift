internal import Glibc
internal import Sampling

/// When requests are sent.
public enum ArrivalSchedule: Sendable, Equatable {
    /// A new request as soon as one of `concurrency` clients has its answer.
    case closed(concurrency: Int)
    /// At times of a Poisson process of `rate` requests per second, whether or not answers have come.
    case poisson(rate: Double, seed: UInt64)
    /// At these times in seconds, rising, whether or not answers have come.
    case planned([Double])

    /// Times of the first `count` requests in seconds, rising; nil where they depend on answers.
    /// Gaps of the Poisson process are -ln(1 - u) / rate with u uniform, the same for the same seed on every machine.
    public func times(count: Int) -> [Double]? {
        switch self {
        case .closed: return nil
        case .planned(let times): return Array(times.prefix(count))
        case .poisson(let rate, let seed):
            let generator = SeededGenerator(seed: seed, choice: 0)
            var time = 0.0
            return (0..<count).map { index in
                defer { time += Self.gap(generator, index, rate) }
                return time
            }
        }
    }

    /// Requests of a Poisson process or a plan that come within the first `seconds`; nil where this depends on answers.
    public func count(within seconds: Double) -> Int? {
        switch self {
        case .closed: return nil
        case .planned(let times): return times.prefix { $0 < seconds }.count
        case .poisson(let rate, let seed):
            let generator = SeededGenerator(seed: seed, choice: 0)
            var (time, count) = (0.0, 0)
            while time < seconds {
                time += Self.gap(generator, count, rate)
                count += 1
            }
            return count
        }
    }

    private static func gap(_ generator: SeededGenerator, _ index: Int, _ rate: Double) -> Double {
        -log1p(-generator.uniform(UInt64(index))) / rate
    }
}
