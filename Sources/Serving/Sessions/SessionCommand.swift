public import Generation
internal import SessionFiles

/// A call about sessions on its way to the engine thread.
struct SessionCommand: Sendable {
    enum Action: Sendable {
        case create(SessionSpec, SessionOwner)
        case list(SessionOwner)
        case inspect(SessionKey)
        case change(SessionKey, SessionChange)
        /// A copy under another name; its cache gets the sequence's identity.
        case fork(SessionKey, SessionFork, SequenceID)
        case delete(SessionKey)
        /// The session is busy until `endSaving`.
        case beginSaving(SessionKey)
        /// Nobody reads any more what `beginSaving` lent.
        case endSaving(SessionKey)
        /// A session out of a file; its cache gets the sequence's identity.
        case restore(SavedSession, SessionSpec, SessionOwner, SequenceID)

        /// Whether it is owed for a call that was taken, so that it is taken too, however many wait.
        var isOwed: Bool {
            if case .endSaving = self { true } else { false }
        }
    }

    enum Answer: Sendable {
        case session(SessionReport)
        case sessions([SessionReport])
        case saved(SavedSession)
        case none
    }

    let action: Action
    /// Called once, on the engine thread.
    let reply: @Sendable (Result<Answer, SessionError>) -> Void
}

/// What a copy of a session has of its own.
public struct SessionFork: Sendable {
    /// Among the owner's; the service has checked its form.
    public var id: String
    /// nil: the original's.
    public var timeToLive: Duration?
    /// A smaller budget; nil: the original's.
    public var budget: KVBudgetRequest?
    /// Seconds since 1970.
    public var createdAt: Int

    public init(id: String, createdAt: Int) {
        self.id = id
        self.createdAt = createdAt
    }
}
