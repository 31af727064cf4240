internal import Generation

/// Memory that samplers and logprobs work in, grown to the largest vocabulary seen and then reused: one per engine
/// thread serves all sequences, and sampling allocates nothing per token.
public final class SamplingWorkspace {
    var buffers = SamplingBuffers()

    public init() {}
}

@available(*, unavailable)
extension SamplingWorkspace: Sendable {}

/// The workspace's content, borrowed for one token.
struct SamplingBuffers {
    /// Logits after bias, penalties and bans, `[vocabulary]`; neither NaN nor +infinity.
    var logits: [Float] = []
    /// Probabilities relative to the most probable token, `[vocabulary]`.
    var weights: [Double] = []
    /// Tokens that may be among the best, then those that are.
    var heap = CandidateHeap()
    /// The best tokens in falling order.
    var ranked: [Candidate] = []

    /// Copies `logits`, made safe to compute with.
    mutating func load(_ source: Span<Float>) {
        logits.removeAll(keepingCapacity: true)
        logits.reserveCapacity(source.count)
        for index in source.indices { logits.append(Self.safe(source[index])) }
    }

    /// NaN is -infinity (never chosen) and +infinity the largest finite number.
    static func safe(_ logit: Float) -> Float {
        logit.isNaN ? -.infinity : min(logit, .greatestFiniteMagnitude)
    }
}
