/// What a cache holds that is kept between two requests of a conversation.
public struct CacheHistory: Sendable, Equatable {
    /// Tokens fed so far.
    public let fedTokens: Int
    /// By layer: entries of its fullest lane.
    public let slots: [Int]
    /// Bytes of its block.
    public let bytes: Int

    public init(fedTokens: Int, slots: [Int], bytes: Int) {
        self.fedTokens = fedTokens
        self.slots = slots
        self.bytes = bytes
    }

    /// Entries of a lane that no window bounds.
    public var mostSlots: Int { slots.max() ?? 0 }
}

/// One request of a conversation whose cache is kept for the next one (a session).
///
/// The request's tokens that the cache has not been fed yet are the turn's prompt. They pass as a prompt does, on top
/// of the entries that are held: each attends to these and to the turn's tokens up to itself, scores go on from where
/// they stood, noise is keyed by original positions, and when the last of them has passed a layer, the layer is pruned
/// to the budget once. Then tokens are decoded as ever. The temperature's schedule starts anew: the turn's prompt is
/// call 0 and T is the turn's own.
///
/// A policy that may evict in a later turn sees the rows of all turns, and keys are stored the way it needs them, also
/// while nothing has to go.
public struct CacheTurn: Sendable, Equatable {
    /// What the turns before left; nil before the first one.
    public let history: CacheHistory?
    /// Tokens that the conversation may ever have. Where RoPE depends on length, all turns rotate as for that many.
    public let mostTokens: Int

    public init(history: CacheHistory?, mostTokens: Int) {
        self.history = history
        self.mostTokens = mostTokens
    }
}
