public import Generation
internal import Glibc

/// Log probabilities of the model itself: log-softmax of the raw logits, before bias, penalties, temperature and
/// filters, as vLLM's default. Sums are double and run in order of ids, so a value does not depend on the batch.
public enum Logprobs {
    /// Reported for anything less probable, -infinity and NaN included: the API's word for "very unlikely", and JSON
    /// has no infinity.
    public static let lowest = -9999.0

    /// The log probability of `chosen` and the `top` most probable tokens, best first, the lower id first among equals.
    /// A `chosen` outside of the vocabulary has `lowest`.
    public static func report(
        logits: Span<Float>, chosen: TokenID, top: Int, workspace: SamplingWorkspace
    ) -> TokenLogprobs {
        precondition(top >= 0, "\(top) alternatives")
        workspace.buffers.load(logits)
        return report(&workspace.buffers, chosen: chosen, top: top)
    }

    private static func report(_ buffers: inout SamplingBuffers, chosen: TokenID, top: Int) -> TokenLogprobs {
        let normaliser = logNormaliser(buffers.logits)
        let chosenLogit = buffers.logits.indices.contains(Int(chosen)) ? buffers.logits[Int(chosen)] : -.infinity
        var report = TokenLogprobs(chosen: logprob(chosenLogit, normaliser), top: [])
        if top == 0 { return report }
        buffers.rank(top)
        report.top.reserveCapacity(buffers.ranked.count)
        for candidate in buffers.ranked {
            report.top.append(TokenLogprob(token: candidate.token, logprob: logprob(candidate.logit, normaliser)))
        }
        return report
    }

    /// The largest logit and the logarithm of the sum of all e^(logit - largest).
    private static func logNormaliser(_ logits: [Float]) -> (largest: Double, logSum: Double) {
        var largest = -Float.infinity
        for logit in logits where logit > largest { largest = logit }
        guard largest > -.infinity else { return (0, 0) }
        var sum = 0.0
        for logit in logits { sum += Exponential.ofNonPositive(Double(logit) - Double(largest)) }
        return (Double(largest), log(sum))
    }

    private static func logprob(_ logit: Float, _ normaliser: (largest: Double, logSum: Double)) -> Double {
        max(lowest, (Double(logit) - normaliser.largest) - normaliser.logSum)
    }
}
