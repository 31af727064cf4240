internal import Glibc
internal import KVCaching

/// Rotary position embedding (Su et al., arXiv 2104.09864) and how it is stretched beyond the context of training.
public struct RotaryEmbedding: Sendable, Equatable {
    /// What is done to the frequencies f_i = theta^(−2i / dimension).
    public enum Scaling: Sendable, Equatable {
        case none
        /// f_i / factor (Chen et al., arXiv 2306.15595).
        case linear(factor: Double)
        /// A larger theta for sequences beyond the original context ("NTK-aware", as transformers computes it).
        case dynamic(factor: Double, originalContext: Int)
        /// Llama 3.1's: long wavelengths are divided, short ones stay, between them a ramp.
        case llama3(factor: Double, low: Double, high: Double, originalContext: Int)
        /// YaRN (Peng et al., arXiv 2309.00071): a ramp over pairs between f_i and f_i / factor, and a magnitude.
        case yarn(YaRN)
        /// LongRoPE (Ding et al., arXiv 2402.13753): f_i / short[i], or f_i / long[i] for sequences that may pass the
        /// original context; and a magnitude.
        case longRoPE(short: [Double], long: [Double], originalContext: Int, magnitude: Double)
        /// f_i / divisors[i].
        case divided([Double])

        /// How many frequencies each list of numbers is for.
        var divisorCounts: [Int] {
            switch self {
            case .longRoPE(let short, let long, _, _): [short.count, long.count]
            case .divided(let divisors): [divisors.count]
            case .none, .linear, .dynamic, .llama3, .yarn: []
            }
        }
    }

    public struct YaRN: Sendable, Equatable {
        public var factor: Double
        public var originalContext: Int
        /// Turns within the original context above which a pair keeps its frequency, and below which it is divided.
        public var betaFast: Double
        public var betaSlow: Double
        public var magnitude: Double
        /// Whether the ramp begins and ends at whole pairs.
        public var isTruncated: Bool

        public init(
            factor: Double, originalContext: Int, betaFast: Double = 32, betaSlow: Double = 1, magnitude: Double? = nil,
            isTruncated: Bool = true
        ) {
            self.factor = factor
            self.originalContext = originalContext
            self.betaFast = betaFast
            self.betaSlow = betaSlow
            self.magnitude = magnitude ?? Self.magnitude(factor: factor)
            self.isTruncated = isTruncated
        }

        /// 0.1 · scale · ln(factor) + 1, the paper's with scale 1.
        public static func magnitude(factor: Double, scale: Double = 1) -> Double {
            factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
        }
    }

    /// Elements of each head that are rotated.
    public var dimension: Int
    public var theta: Double
    /// Pairs (2i, 2i+1); otherwise pairs (i, i + dimension/2).
    public var interleaved: Bool
    public var scaling: Scaling

    public init(dimension: Int, theta: Double, interleaved: Bool, scaling: Scaling = .none) {
        self.dimension = dimension
        self.theta = theta
        self.interleaved = interleaved
        self.scaling = scaling
    }

    /// Dynamic scaling counts lengths in steps of this share of the original context.
    private static let stepsPerContext = 4

    /// Tables for all lengths.
    func encoding() -> PositionEncoding {
        let pairing: RoPETable.Pairing = interleaved ? .interleaved : .half
        switch scaling {
        case .none, .linear, .llama3, .yarn, .divided:
            return .rope(RoPETable(frequencies(tokens: 1), pairing: pairing))
        case .dynamic(_, let original):
            return .ropeByLength(
                RoPETablesByLength(
                    original: original, step: max(1, original / Self.stepsPerContext), pairing: pairing,
                    frequencies: frequencies))
        case .longRoPE(_, _, let original, _):
            return .ropeByLength(
                RoPETablesByLength(original: original, step: nil, pairing: pairing, frequencies: frequencies))
        }
    }

    /// The frequencies for sequences of up to `tokens`.
    func frequencies(tokens: Int) -> RoPETable.Frequencies {
        let plain = Self.frequencies(theta: theta, dimension: dimension)
        switch scaling {
        case .none: return .init(inverse: plain)
        case .linear(let factor): return .init(inverse: plain.map { $0 / factor })
        case .divided(let divisors): return .init(inverse: zip(plain, divisors).map { $0 / $1 })
        case .dynamic(let factor, let original):
            let length = Double(max(tokens, original))
            let stretch = factor * length / Double(original) - (factor - 1)
            let grown = theta * pow(stretch, Double(dimension) / Double(dimension - 2))
            return .init(inverse: Self.frequencies(theta: grown, dimension: dimension))
        case .llama3(let factor, let low, let high, let original):
            return .init(
                inverse: plain.map {
                    let turns = Double(original) * $0 / (2 * .pi)
                    if turns < low { return $0 / factor }
                    if turns > high { return $0 }
                    let share = (turns - low) / (high - low)
                    return (1 - share) * $0 / factor + share * $0
                })
        case .longRoPE(let short, let long, let original, let magnitude):
            let divisors = tokens > original ? long : short
            return .init(inverse: zip(plain, divisors).map { $0 / $1 }, magnitude: magnitude)
        case .yarn(let yarn):
            return .init(inverse: stretched(plain, yarn), magnitude: yarn.magnitude)
        }
    }

    private static func frequencies(theta: Double, dimension: Int) -> [Double] {
        (0..<dimension / 2).map { pow(theta, -2 * Double($0) / Double(dimension)) }
    }

    private func stretched(_ plain: [Double], _ yarn: YaRN) -> [Double] {
        func pair(turns: Double) -> Double {
            Double(dimension) * log(Double(yarn.originalContext) / (turns * 2 * .pi)) / (2 * log(theta))
        }
        var (first, last) = (pair(turns: yarn.betaFast), pair(turns: yarn.betaSlow))
        if yarn.isTruncated { (first, last) = (first.rounded(.down), last.rounded(.up)) }
        (first, last) = (max(first, 0), min(last, Double(dimension - 1)))
        if first == last { last += 0.001 }
        return plain.enumerated().map { index, frequency in
            let divided = min(1, max(0, (Double(index) - first) / (last - first)))
            return frequency / yarn.factor * divided + frequency * (1 - divided)
        }
    }
}
