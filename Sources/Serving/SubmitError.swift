public import KVCaching

/// Why a request cannot be taken. Each text says what to change.
public enum SubmitError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `kv_cache` asks for something that cannot be (HTTP 400).
    case badCache(KVCacheRequestError)
    /// A prompt has no token (HTTP 400).
    case emptyPrompt(index: Int)
    /// A prompt holds a token id that the vocabulary lacks (HTTP 400).
    case badToken(token: Int, vocabularySize: Int)
    /// The prompt, or prompt and `max_tokens` together, exceed the context (HTTP 400).
    case contextTooLong(promptTokens: Int, maxTokens: Int, context: Int)
    /// One sequence needs more than the whole pool (HTTP 400).
    case neverFits(neededBytes: Int, limitBytes: Int)
    /// Prompts times choices are more sequences than may ever wait (HTTP 400).
    case tooManySequences(sequences: Int, limit: Int)
    /// Requests arrive faster than they are looked at (HTTP 429).
    case inboxFull(retryAfterSeconds: Int)
    /// The service takes no new work (HTTP 503).
    case draining

    public var description: String {
        switch self {
        case .badCache(let error):
            "\(error)"
        case .emptyPrompt(let index):
            "prompt \(index) is empty; it must have at least one token"
        case .badToken(let token, let vocabularySize):
            "token id \(token) is not in the vocabulary; ids are 0 to \(vocabularySize - 1)"
        case .contextTooLong(let promptTokens, let maxTokens, let context):
            "the context has \(context) tokens, but the prompt has \(promptTokens) and \(maxTokens) more are "
                + "asked for; shorten the prompt or lower max_tokens"
        case .neverFits(let neededBytes, let limitBytes):
            "the KV cache of one sequence needs \(neededBytes) bytes while the prompt is read, the pool has "
                + "\(limitBytes); shorten the prompt, lower max_tokens or ask for a smaller kv_cache budget"
        case .tooManySequences(let sequences, let limit):
            "prompts and n make \(sequences) sequences, at most \(limit) may wait; send fewer at once"
        case .inboxFull(let retryAfterSeconds):
            "too many requests arrive at once; retry after \(retryAfterSeconds) s"
        case .draining:
            "the server is shutting down and takes no new requests"
        }
    }
}
