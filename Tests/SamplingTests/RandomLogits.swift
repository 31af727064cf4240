import Generation

@testable import Sampling

/// Logits for tests: a pure function of the seed.
struct RandomLogits {
    private let generator: SeededGenerator
    private var index: UInt64 = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed, choice: 0) }

    /// Uniform in `range`.
    mutating func next(in range: ClosedRange<Double>) -> Double {
        defer { index += 1 }
        return range.lowerBound + generator.uniform(index) * (range.upperBound - range.lowerBound)
    }

    /// `count` logits; with `steps` they lie on a grid of so many values, which makes ties.
    mutating func logits(_ count: Int, steps: Int? = nil) -> [Float] {
        (0..<count).map { _ in
            let value = next(in: -6...6)
            return Float(steps.map { (value * Double($0) / 12).rounded() / Double($0) * 12 } ?? value)
        }
    }
}

/// The sampler's rules once more, by sorting everything.
enum NaiveSampler {
    /// The tokens that may be drawn with their probabilities, best first.
    static func distribution(_ logits: [Float], _ parameters: SamplingParameters) -> [(token: TokenID, mass: Double)] {
        let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
        let largest = Double(logits[order[0]])
        var kept = order.map { token in
            (token: TokenID(token), mass: exponential((Double(logits[token]) - largest) / parameters.temperature))
        }
        if parameters.topK > 0 { kept = Array(kept.prefix(parameters.topK)) }
        if parameters.topP < 1 {
            let total = kept.reduce(0) { $0 + $1.mass }
            var mass = 0.0
            var count = 0
            while count < kept.count, count == 0 || mass < parameters.topP * total {
                mass += kept[count].mass
                count += 1
            }
            kept = Array(kept.prefix(count))
        }
        kept = kept.filter { $0.mass >= parameters.minP && $0.mass > 0 }
        let total = kept.reduce(0) { $0 + $1.mass }
        return kept.map { ($0.token, $0.mass / total) }
    }
}
