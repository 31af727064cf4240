/// A token and its log probability under the model (natural logarithm, before temperature and penalties).
public struct TokenLogprob: Sendable, Equatable {
    public var token: TokenID
    public var logprob: Double

    public init(token: TokenID, logprob: Double) {
        self.token = token
        self.logprob = logprob
    }
}

/// The chosen token with the most probable alternatives, best first.
public struct TokenLogprobs: Sendable, Equatable {
    /// nil only for the first token of a prompt.
    public var chosen: Double?
    public var top: [TokenLogprob]

    public init(chosen: Double?, top: [TokenLogprob]) {
        self.chosen = chosen
        self.top = top
    }
}

/// A token with its own text and, where asked for, its logprobs.
public struct ReportedToken: Sendable, Equatable {
    public var token: TokenID
    /// The token's bytes as the vocabulary has them; may be part of a UTF-8 character.
    public var bytes: [UInt8]
    public var logprobs: TokenLogprobs?

    public init(token: TokenID, bytes: [UInt8], logprobs: TokenLogprobs?) {
        self.token = token
        self.bytes = bytes
        self.logprobs = logprobs
    }
}

/// Seconds spent per phase and tokens counted, for `usage`, `timings`, logs and metrics.
public struct GenerationUsage: Sendable, Equatable {
    public var promptTokens: Int
    /// Tokens that were not read, because a session's cache had been fed them.
    public var cachedTokens: Int
    public var completionTokens: Int
    public var cache: KVCacheUsage
    public var queueSeconds: Double
    public var prefillSeconds: Double
    public var decodeSeconds: Double
    /// Integral of the bytes reserved over the time they were reserved.
    public var byteSeconds: Double
    /// When another try has a chance, for a sequence that waited too long to start.
    public var retryAfterSeconds: Int?

    public init(
        promptTokens: Int, cachedTokens: Int = 0, completionTokens: Int, cache: KVCacheUsage, queueSeconds: Double,
        prefillSeconds: Double, decodeSeconds: Double, byteSeconds: Double
    ) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.completionTokens = completionTokens
        self.cache = cache
        self.queueSeconds = queueSeconds
        self.prefillSeconds = prefillSeconds
        self.decodeSeconds = decodeSeconds
        self.byteSeconds = byteSeconds
    }
}

/// What the engine thread tells the front about one choice of a request.
public enum TokenEvent: Sendable, Equatable {
    /// The prompt's tokens with logprobs, once, before the first `.text` (only if asked for).
    case prompt(choice: Int, tokens: [ReportedToken])
    /// New text (valid UTF-8, may be empty when only tokens are reported) and the tokens it came from. `generated` is
    /// the number of completion tokens so far.
    case text(choice: Int, text: String, tokens: [ReportedToken], generated: Int)
    /// Last event of the choice. `stopReason` names the stop string or token id that ended it.
    case finished(choice: Int, reason: FinishReason, stopReason: String?, usage: GenerationUsage)
}
