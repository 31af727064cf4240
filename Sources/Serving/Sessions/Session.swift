internal import Generation
internal import KVCaching
internal import SessionFiles

/// A conversation whose cache outlives its requests. Lives on the engine thread.
final class Session {
    /// The cache between two turns.
    struct Kept {
        /// Under which identity the engine keeps it.
        let sequence: SequenceID
        let history: CacheHistory
    }

    enum Use: Equatable {
        case idle
        /// A request that waits or runs.
        case turn(RequestID, SequenceID)
        case saving
    }

    let key: SessionKey
    let createdAt: Int
    let born: Duration
    /// With nothing left to defaults.
    var cache: KVCacheRequest
    var timeToLive: Duration
    /// Its own age at which it ends.
    let lifetime: Duration?
    var metadata: [SavedSession.Entry]
    /// Exactly the tokens that the kept cache was fed.
    var tokens: [TokenID] = []
    var kept: Kept?
    var use = Use.idle
    var lastUsed: Duration
    /// To go as soon as its turn has ended.
    var isDeleted = false

    init(_ spec: SessionSpec, owner: SessionOwner, cache: KVCacheRequest, timeToLive: Duration, now: Duration) {
        key = SessionKey(owner: owner, id: spec.id)
        createdAt = spec.createdAt
        born = now
        lastUsed = now
        self.cache = cache
        self.timeToLive = timeToLive
        lifetime = spec.lifetime
        metadata = spec.metadata
    }

    var heldBytes: Int { kept?.history.bytes ?? 0 }

    /// When it ends if nobody uses it; no session is older than `mostLifetime`.
    func end(mostLifetime: Duration) -> Duration {
        min(lastUsed + timeToLive, born + min(lifetime ?? mostLifetime, mostLifetime))
    }
}
