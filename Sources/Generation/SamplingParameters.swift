/// How the next token is picked from the logits. Ranges are checked where a request is validated.
public struct SamplingParameters: Sendable, Equatable {
    /// 0 means greedy: the largest logit, the lowest id among equals.
    public var temperature: Double = 1
    /// Nucleus: the smallest set of tokens whose probabilities reach this mass. 1 keeps all.
    public var topP: Double = 1
    /// Keeps the k most probable tokens. 0 keeps all.
    public var topK: Int = 0
    /// Drops tokens less probable than this share of the most probable one. 0 keeps all.
    public var minP: Double = 0
    /// Subtracted once from the logit of every token already generated (OpenAI).
    public var presencePenalty: Double = 0
    /// Subtracted per occurrence from the logit of every token already generated (OpenAI).
    public var frequencyPenalty: Double = 0
    /// Divides positive and multiplies negative logits of tokens in prompt or output (CTRL, arXiv 1909.05858). 1 is
    /// off.
    public var repetitionPenalty: Double = 1
    /// Added to the logits of the named tokens.
    public var logitBias: [TokenID: Double] = [:]
    /// Same seed, same text.
    public var seed: UInt64 = 0

    public init() {}

    public var isGreedy: Bool { temperature == 0 }
}
