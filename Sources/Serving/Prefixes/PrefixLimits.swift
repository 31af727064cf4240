/// Whether beginnings of prompts are shared, and how much of them is kept while nobody uses them.
public struct PrefixLimits: Sendable, Equatable {
    public var isOn = true
    /// Tokens of a block. What two prompts have in common is shared in whole blocks.
    public var blockTokens = 128
    /// Most bytes of blocks that no running sequence uses. Where the pool is short, fewer are kept.
    public var mostIdleBytes = Int.max

    public init() {}
}
