/// When a sequence ends.
public struct StopConditions: Sendable, Equatable {
    /// Most tokens to generate; nil means to the end of the context. 0 is legal with `echo`: score the prompt only.
    public var maxTokens: Int?
    /// No stop by EOS, stop token or stop string before this many tokens.
    public var minTokens: Int = 0
    /// Texts that end the output and are cut from it (see `includeStopString`).
    public var stopStrings: [String] = []
    /// Token ids that end the output, beside the model's EOS tokens.
    public var stopTokens: [TokenID] = []
    public var ignoreEOS: Bool = false
    public var includeStopString: Bool = false

    public init() {}
}

/// One prompt and everything that decides what is generated for it: validated, model-independent.
/// `n` choices of one prompt are `choices` sequences.
public struct GenerationRequest: Sendable, Equatable {
    public var prompt: [TokenID]
    /// `n`: independent continuations. Choice i samples with `sampling.seed + i`.
    public var choices: Int = 1
    public var sampling = SamplingParameters()
    public var stop = StopConditions()
    public var cache = KVCacheRequest()
    /// Alternatives reported per generated token; nil reports no logprobs, 0 only the chosen token's.
    public var logprobs: Int?
    /// Report logprobs of the prompt's tokens too (`echo` with `logprobs`).
    public var promptLogprobs: Bool = false
    /// Whose turn it is first; higher goes before lower. nil: the highest that its sender may have, at most 0.
    public var priority: Int?
    /// Beginnings of prompts are shared only with requests that have the same; nil is one, too.
    public var cacheSalt: String?
    /// Special tokens are left out of the text.
    public var skipSpecialTokens: Bool = true

    public init(prompt: [TokenID]) { self.prompt = prompt }
}
