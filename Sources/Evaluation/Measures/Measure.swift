internal import Glibc

/// A number per input, by the name that files use.
public enum Measure: String, Sendable, CaseIterable {
    /// Mean KL(full || policy) of the next token, nats.
    case divergence = "kl"
    /// Share of tokens where full cache and policy have the same most probable one.
    case agreement = "top1"
    /// Mean negative log-likelihood of the text, nats; shown as perplexity.
    case perplexity = "nll"
    /// 1 where all digits are right under greedy decoding.
    case exact
    /// Share of digits that are right, each after the right ones before it.
    case digits
    case rouge1
    case rouge2
    case rougeL = "rougel"

    /// Larger is better.
    public var isGain: Bool { self != .divergence && self != .perplexity }

    /// Axis title.
    public var title: String {
        switch self {
        case .divergence: "KL from the full cache, nats per token"
        case .agreement: "top-1 agreement with the full cache"
        case .perplexity: "perplexity per token"
        case .exact: "all digits right"
        case .digits: "digits right"
        case .rouge1: "ROUGE-1 F"
        case .rouge2: "ROUGE-2 F"
        case .rougeL: "ROUGE-L F"
        }
    }

    /// From a mean of stored values to what is shown.
    func shown(_ mean: Double) -> Double { self == .perplexity ? exp(mean) : mean }

    /// Digits after the point in tables.
    var decimals: Int { self == .divergence ? 4 : self == .perplexity ? 2 : 3 }
}
