/// Why a sequence ended.
public enum FinishReason: Sendable, Equatable {
    /// An EOS token, a stop token id or a stop string.
    case stop
    /// `max_tokens` or the end of the context.
    case length
    /// The client left or the request was withdrawn.
    case cancelled
    /// The request's deadline passed.
    case deadline
    /// The engine failed; the text says how.
    case error(String)
}
