internal import Glibc

/// A next-token distribution as logits, with what every comparison needs of it. Double accumulation in index order, so
/// equal logits give equal numbers to the last bit.
struct Distribution: Sendable {
    let logits: [Float]
    /// ln Σ exp(logit).
    let logSum: Double
    /// The most probable token; among equals the lowest id.
    let best: Int

    init(_ logits: [Float]) {
        self.logits = logits
        best = Self.best(of: logits.span)
        let largest = logits.isEmpty ? 0 : Double(logits[best])
        var sum = 0.0
        for logit in logits { sum += exp(Double(logit) - largest) }
        logSum = largest + log(sum)
    }

    init(_ logits: Span<Float>) { self.init(logits.indices.map { logits[$0] }) }

    /// The index of the largest logit; among equals the lowest.
    static func best(of logits: Span<Float>) -> Int {
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        return best
    }

    /// Natural logarithm of the token's probability.
    func logProbability(_ token: Int) -> Double { Double(logits[token]) - logSum }

    /// KL(self || other) = Σ p ln(p / q) in nats. 0 for equal logits, exactly.
    func divergence(to other: Distribution) -> Double {
        precondition(logits.count == other.logits.count, "\(logits.count) and \(other.logits.count) tokens")
        var sum = 0.0
        for token in logits.indices {
            let own = logProbability(token)
            sum += exp(own) * (own - other.logProbability(token))
        }
        return sum
    }
}
