/// What a sequence's KV cache held, for `usage.kv_cache`. Bytes count keys, values and slot metadata.
public struct KVCacheUsage: Sendable, Equatable {
    public var policy: String
    /// Slots per layer and KV head that the sequence may hold.
    public var budgetTokens: Int
    /// Bytes of `budgetTokens` slots in every lane.
    public var budgetBytes: Int
    /// Prompt tokens still held in the fullest lane.
    public var promptTokensRetained: Int
    /// Largest number of slots that any lane held, the prompt's staging included.
    public var peakTokens: Int
    /// Largest number of bytes that the sequence's lanes held at once.
    public var peakBytes: Int
    /// Tokens dropped, averaged over the lanes (every lane drops equally many).
    public var evictedTokens: Int
    /// The budget was made smaller than asked for, because the pool was full.
    public var isShrunk = false

    public init(
        policy: String, budgetTokens: Int, budgetBytes: Int, promptTokensRetained: Int, peakTokens: Int,
        peakBytes: Int, evictedTokens: Int
    ) {
        self.policy = policy
        self.budgetTokens = budgetTokens
        self.budgetBytes = budgetBytes
        self.promptTokensRetained = promptTokensRetained
        self.peakTokens = peakTokens
        self.peakBytes = peakBytes
        self.evictedTokens = evictedTokens
    }
}
