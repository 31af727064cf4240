public import KVCaching

/// Why a call about a session failed. The session is as it was before. Each text says what to change.
public enum SessionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody has it, or somebody else (HTTP 404).
    case notFound(id: String)
    /// It is no more (HTTP 404).
    case expired(id: String, reason: SessionEnd)
    /// A request uses it, or a file is written (HTTP 409).
    case busy(id: String, retryAfterSeconds: Int)
    /// The owner has one of that name (HTTP 409).
    case exists(id: String)
    /// The prompt is no continuation of what the session holds (HTTP 400). The first `agreeing` of its `held` tokens
    /// stand in the prompt too.
    case diverged(held: Int, agreeing: Int)
    /// The prompt has nothing that the session does not hold (HTTP 400).
    case nothingNew(held: Int)
    /// As many sessions as there may be, all of them in use or somebody else's (HTTP 429).
    case tooMany(limit: Int)
    /// No room for another cache beside those that are in use (HTTP 429).
    case poolFull(neededBytes: Int)
    /// A cache that the pool, or the owner's share of it, can never hold (HTTP 400).
    case neverFits(neededBytes: Int, limitBytes: Int)
    /// The session's budget cannot be that (HTTP 400).
    case badCache(KVCacheRequestError)
    /// The time to live is beyond the server's limit (HTTP 400).
    case badTimeToLive(seconds: Int, limitSeconds: Int)
    /// What a file holds is no cache of this model's sessions (HTTP 400).
    case unfit(reason: String)
    /// The service stops (HTTP 503).
    case stopping

    public var description: String {
        switch self {
        case .notFound(let id): "there is no session \(id)"
        case .expired(let id, let reason): "session \(id) is no more: \(reason.explanation)"
        case .busy(let id, let seconds):
            "session \(id) is in use; a session takes one request after the other, so retry after \(seconds) s"
        case .exists(let id): "there is a session \(id) already; delete it or choose another id"
        case .diverged(let held, let agreeing):
            "the prompt does not continue the session: of the \(held) tokens that it holds, the prompt repeats the "
                + "first \(agreeing). A cache cannot be rolled back; send the whole conversation unchanged, fork the "
                + "session before a turn that may be repeated, or send session_mode \"rebase\" to read it all again"
        case .nothingNew(let held):
            "the prompt ends within the \(held) tokens that the session holds, so there is nothing to continue; add "
                + "a message, or send session_mode \"rebase\" to read it all again"
        case .tooMany(let limit): "there are \(limit) sessions, as many as there may be; delete one"
        case .poolFull(let bytes): "\(bytes) bytes of KV cache are not free beside those in use"
        case .neverFits(let needed, let limit):
            "the session's cache has \(needed) bytes, at most \(limit) are allowed"
        case .badCache(let error): "\(error)"
        case .badTimeToLive(let seconds, let limit): "a ttl of \(seconds) s is beyond the limit of \(limit) s"
        case .unfit(let reason): "the file's cache does not fit: \(reason)"
        case .stopping: "the server is shutting down"
        }
    }
}

/// How a session ended: label of `keyhold_sessions_evicted_total`.
public enum SessionEnd: String, CaseIterable, Sendable {
    /// Unused for longer than its time to live, or older than any session may be.
    case ttl
    /// Its memory was needed, or its place; it was the one unused for longest.
    case lru
    case delete

    var explanation: String {
        switch self {
        case .ttl: "its time to live is over"
        case .lru: "its memory was needed while nobody used it"
        case .delete: "it was deleted"
        }
    }
}
