public import Generation
public import KVCaching

/// A session as a file holds it: enough to go on with the bits that it would have gone on with.
public struct SavedSession: Sendable {
    /// Which model's; a file of another one is refused.
    public var fingerprint: [UInt8]
    /// The session's own name, for reports.
    public var id: String
    /// The tokens that the cache was fed.
    public var tokens: [TokenID]
    /// The cache's policy and budget, with nothing left to defaults.
    public var cache: KVCacheRequest
    /// Idle time after which it ends, in milliseconds.
    public var timeToLiveMilliseconds: Int
    public var metadata: [Entry]
    /// nil before the first turn.
    public var image: CacheImage?

    /// A member of the client's `metadata`.
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public init(
        fingerprint: [UInt8], id: String, tokens: [TokenID], cache: KVCacheRequest, timeToLiveMilliseconds: Int,
        metadata: [Entry], image: CacheImage?
    ) {
        self.fingerprint = fingerprint
        self.id = id
        self.tokens = tokens
        self.cache = cache
        self.timeToLiveMilliseconds = timeToLiveMilliseconds
        self.metadata = metadata
        self.image = image
    }
}
