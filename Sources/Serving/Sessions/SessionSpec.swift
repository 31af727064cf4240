public import Generation
public import SessionFiles

/// A session as a client asks for it.
public struct SessionSpec: Sendable {
    /// Among the owner's; the service has checked its form.
    public var id: String
    public var cache = KVCacheRequest()
    /// nil: the server's default.
    public var timeToLive: Duration?
    /// Age at which it ends, if the server's limit is not below it; nil: the server's.
    public var lifetime: Duration?
    public var metadata: [SavedSession.Entry] = []
    /// Seconds since 1970.
    public var createdAt: Int

    public init(id: String, createdAt: Int) {
        self.id = id
        self.createdAt = createdAt
    }
}

/// What of a session is to be changed; nil leaves it.
public struct SessionChange: Sendable {
    public var timeToLive: Duration?
    /// A smaller one evicts at once, a larger one is used by the next turn.
    public var budget: KVBudgetRequest?
    public var metadata: [SavedSession.Entry]?

    public init() {}
}

/// That a request is the next turn of a session.
public struct SessionTurn: Sendable {
    /// What to do with a prompt that does not continue the session.
    public enum Mode: String, CaseIterable, Sendable {
        /// Refuse it.
        case append
        /// Drop what the session holds and read the prompt from its beginning.
        case rebase
    }

    public let key: SessionKey
    public let mode: Mode

    public init(key: SessionKey, mode: Mode = .append) {
        self.key = key
        self.mode = mode
    }
}
