/// A block of entries that caches share (`PrefixBlock`), by the name that its keeper gave it.
public struct PrefixBlockID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { "prefix block \(rawValue)" }
}

/// The blocks with which a sequence begins.
public struct SequencePrefix: Sendable, Equatable {
    /// Tokens of a block.
    public let blockTokens: Int
    /// Those that are there. The prompt's rows behind them are the first ones that are read.
    public let whole: [PrefixBlockID]
    /// Blocks behind them that the sequence fills itself, for others to read later; 0 where the cache drops or moves
    /// entries, which then copies the blocks that are there.
    public let own: Int

    public init(blockTokens: Int, whole: [PrefixBlockID], own: Int) {
        self.blockTokens = blockTokens
        self.whole = whole
        self.own = own
    }

    /// Tokens of the prompt that are not read.
    public var tokens: Int { blockTokens * whole.count }
}
