internal import DequeModule
internal import Generation
internal import KVCaching

/// All sessions, by owner and name, and who goes first when one has to. Knows nothing of engines and bytes of the pool:
/// whoever takes one out frees what it keeps.
final class SessionTable {
    /// Sessions that ended and are remembered, so that their owners hear why.
    private static let mostRemembered = 4096

    let limits: SessionLimits
    private var sessions: [SessionKey: Session] = [:]
    private var ended: [SessionKey: SessionEnd] = [:]
    private var endedOrder: Deque<SessionKey> = []

    init(limits: SessionLimits) { self.limits = limits }

    /// Whether `count` or `busyCount` may have changed since this was set to false.
    var isChanged = true
    /// Not later than the end of any idle session's time.
    private var endBound: Duration?

    var count: Int { sessions.count }
    var busyCount: Int { sessions.values.count { $0.use != .idle } }

    /// The owner's session of that name.
    func session(_ key: SessionKey) throws(SessionError) -> Session {
        if let session = sessions[key], !session.isDeleted { return session }
        if let reason = ended[key], reason != .delete { throw .expired(id: key.id, reason: reason) }
        throw .notFound(id: key.id)
    }

    /// The owner's session of that name, if nobody uses it. `seconds` is when to ask again.
    func idleSession(_ key: SessionKey, retryAfterSeconds seconds: Int = 1) throws(SessionError) -> Session {
        let session = try session(key)
        guard session.use == .idle else { throw .busy(id: key.id, retryAfterSeconds: seconds) }
        return session
    }

    /// An owner's sessions, the oldest first.
    func sessions(of owner: SessionOwner) -> [Session] {
        sessions.values.filter { $0.key.owner == owner && !$0.isDeleted }
            .sorted { ($0.born, $0.key.id) < ($1.born, $1.key.id) }
    }

    /// Whether the name is free.
    func checkFree(_ key: SessionKey) throws(SessionError) {
        if sessions[key] != nil { throw .exists(id: key.id) }
    }

    /// Who has to go so that another session of this owner finds a place: the owner's own. nil: nobody.
    func displaced(by owner: SessionOwner) throws(SessionError) -> Session? {
        guard sessions.count >= limits.most else { return nil }
        guard let session = leastRecentlyUsed(where: { $0.key.owner == owner }) else {
            throw .tooMany(limit: limits.most)
        }
        return session
    }

    func timeToLive(_ wanted: Duration?) throws(SessionError) -> Duration {
        let time = wanted ?? limits.timeToLive
        guard time <= limits.longestTimeToLive else {
            throw .badTimeToLive(
                seconds: Int(time / .seconds(1)), limitSeconds: Int(limits.longestTimeToLive / .seconds(1)))
        }
        return time
    }

    func insert(_ session: Session) {
        precondition(sessions[session.key] == nil, "two sessions \(session.key.id)")
        sessions[session.key] = session
        noteChange(of: session)
        if ended.removeValue(forKey: session.key) != nil { endedOrder.removeAll { $0 == session.key } }
    }

    /// Takes a session out.
    func remove(_ session: Session, _ reason: SessionEnd) {
        sessions[session.key] = nil
        isChanged = true
        if ended.updateValue(reason, forKey: session.key) == nil { endedOrder.append(session.key) }
        if endedOrder.count > Self.mostRemembered { ended[endedOrder.removeFirst()] = nil }
    }

    var idle: [Session] { sessions.values.filter { $0.use == .idle } }

    /// The idle session that was unused for longest, among those that are wanted.
    func leastRecentlyUsed(where isWanted: (Session) -> Bool) -> Session? {
        sessions.values.filter { $0.use == .idle && isWanted($0) }
            .min { ($0.lastUsed, $0.key.id, $0.key.owner.name) < ($1.lastUsed, $1.key.id, $1.key.owner.name) }
    }

    /// What uses the session, or its time to live, has changed.
    func noteChange(of session: Session) {
        isChanged = true
        guard session.use == .idle else { return }
        let end = session.end(mostLifetime: limits.lifetime)
        endBound = min(endBound ?? end, end)
    }

    /// Idle sessions whose time is over.
    func expired(at now: Duration) -> [Session] {
        guard let bound = endBound, bound <= now else { return [] }
        let idle = sessions.values.filter { $0.use == .idle }
        let (over, rest) = (
            idle.filter { $0.end(mostLifetime: limits.lifetime) <= now },
            idle.lazy.map { $0.end(mostLifetime: self.limits.lifetime) }.filter { $0 > now }
        )
        endBound = rest.min()
        return over.sorted { $0.key.id < $1.key.id }
    }

    /// When to look for sessions whose time is over: not later than the first of them ends.
    var nextExpiry: Duration? { endBound }

    /// The session in which that sequence is a turn.
    func session(ofTurn sequence: SequenceID, _ key: SessionKey) -> Session? {
        guard let session = sessions[key], case .turn(_, sequence) = session.use else { return nil }
        return session
    }

    /// The session that is being saved, deleted or not.
    func saving(_ key: SessionKey) -> Session? {
        guard let session = sessions[key], session.use == .saving else { return nil }
        return session
    }

    /// Bytes that sessions keep, and how many sessions use them, for audits.
    var heldBytes: Int { sessions.values.reduce(0) { $0 + $1.heldBytes } }
}
