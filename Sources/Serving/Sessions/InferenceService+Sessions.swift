internal import Generation
public import SessionFiles

/// Sessions, from any thread. Every call returns at once; `reply` comes once, on the engine thread, and must be quick.
extension InferenceService {
    public typealias SessionReply<Value> = @Sendable (Result<Value, SessionError>) -> Void

    public func createSession(
        _ spec: SessionSpec, owner: SessionOwner, reply: @escaping SessionReply<SessionReport>
    ) throws(SubmitError) {
        try post(.create(spec, owner)) { Self.answer($0, reply) }
    }

    /// All of the owner's, the oldest first.
    public func sessions(
        of owner: SessionOwner, reply: @escaping SessionReply<[SessionReport]>
    ) throws(SubmitError) {
        try post(.list(owner)) { result in
            reply(
                result.map { answer in
                    if case .sessions(let reports) = answer { reports } else { [] }
                })
        }
    }

    public func session(_ key: SessionKey, reply: @escaping SessionReply<SessionReport>) throws(SubmitError) {
        try post(.inspect(key)) { Self.answer($0, reply) }
    }

    public func changeSession(
        _ key: SessionKey, _ change: SessionChange, reply: @escaping SessionReply<SessionReport>
    ) throws(SubmitError) {
        try post(.change(key, change)) { Self.answer($0, reply) }
    }

    public func forkSession(
        _ key: SessionKey, _ fork: SessionFork, reply: @escaping SessionReply<SessionReport>
    ) throws(SubmitError) {
        try post(.fork(key, fork, newSequenceID())) { Self.answer($0, reply) }
    }

    /// Ends it; a request that uses it is cancelled.
    public func deleteSession(_ key: SessionKey, reply: @escaping SessionReply<Void>) throws(SubmitError) {
        try post(.delete(key)) { result in reply(result.map { _ in }) }
    }

    /// Lends what a file needs, but for the model's fingerprint. The session is busy until the loan is given back.
    public func beginSaving(_ key: SessionKey, reply: @escaping SessionReply<SessionLoan>) throws(SubmitError) {
        try post(.beginSaving(key)) { [inbox] result in
            switch result {
            case .success(.saved(let session)):
                let loan = SessionLoan(session) {
                    // A service that takes no calls any more has no use for the session either.
                    _ = inbox.post(SessionCommand(action: .endSaving(key)) { _ in })
                }
                reply(.success(loan))
            case .success: reply(.failure(.notFound(id: key.id)))
            case .failure(let error): reply(.failure(error))
            }
        }
    }

    /// Makes a session with what a file held.
    public func restoreSession(
        _ saved: SavedSession, _ spec: SessionSpec, owner: SessionOwner, reply: @escaping SessionReply<SessionReport>
    ) throws(SubmitError) {
        try post(.restore(saved, spec, owner, newSequenceID())) { Self.answer($0, reply) }
    }

    private func post(
        _ action: SessionCommand.Action,
        reply: @escaping @Sendable (Result<SessionCommand.Answer, SessionError>) -> Void
    ) throws(SubmitError) {
        switch inbox.post(SessionCommand(action: action, reply: reply)) {
        case .posted: return
        case .full: throw .inboxFull(retryAfterSeconds: 1)
        case .closed: throw .draining
        }
    }

    private static func answer(
        _ result: Result<SessionCommand.Answer, SessionError>, _ reply: SessionReply<SessionReport>
    ) {
        switch result {
        case .success(.session(let report)): reply(.success(report))
        case .success: reply(.failure(.stopping))
        case .failure(let error): reply(.failure(error))
        }
    }
}
