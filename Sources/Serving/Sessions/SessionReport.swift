public import Generation
public import SessionFiles

/// A session as its owner sees it.
public struct SessionReport: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable {
        case idle
        /// A request waits or runs in it, or it is being saved.
        case busy
    }

    public let id: String
    public let status: Status
    public let createdAt: Int
    /// When it ends if nobody uses it, from now on.
    public let expiresIn: Duration
    /// Tokens that its cache was fed.
    public let tokens: Int
    /// What of them the cache still holds, per layer and KV head.
    public let retainedTokens: Int
    /// Bytes of the pool that it keeps between its requests.
    public let bytes: Int
    /// Policy, budget and storage with nothing left to defaults.
    public let cache: KVCacheRequest
    public let metadata: [SavedSession.Entry]
    /// Entries of the fullest lane, by layer.
    public let layers: [Int]
}
