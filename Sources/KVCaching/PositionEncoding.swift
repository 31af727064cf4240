/// How positions enter attention.
public enum PositionEncoding {
    /// Nothing happens inside attention: learned positions are added to the embedding.
    case none
    /// Rotary embedding of queries and keys (Su et al., arXiv 2104.09864).
    case rope(RoPETable)
    /// Rotary embedding whose frequencies depend on how long the sequence may become.
    case ropeByLength(RoPETablesByLength)
    /// A bias per query head, slope · (key position − query position) (Press et al., arXiv 2108.12409).
    case alibi(slopes: [Float])

    /// The table of a sequence that may become `tokens` long; nil without RoPE.
    func table(tokens: Int) -> RoPETable? {
        switch self {
        case .rope(let table): table
        case .ropeByLength(let tables): tables.table(tokens: tokens)
        case .none, .alibi: nil
        }
    }

    /// The same as plain addresses, for threads; valid until the next admission.
    @unsafe func angles(tokens: Int) -> RoPEAngles? {
        switch self {
        case .rope(let table): unsafe table.angles
        case .ropeByLength(let tables): unsafe tables.table(tokens: tokens).angles
        case .none, .alibi: nil
        }
    }

    var isALiBi: Bool {
        guard case .alibi = self else { return false }
        return true
    }
}

/// How one layer attends, but for its window (`CacheShape.windows`).
public struct LayerAttention {
    public var encoding: PositionEncoding
    /// What products of queries and keys are multiplied with.
    public var scale: Float
    /// c: the scaled products x become c · tanh(x / c), before position bias and softmax (Gemma Team,
    /// arXiv 2408.00118). Policies score what comes out of it.
    public var softCap: Float?

    public init(encoding: PositionEncoding, scale: Float, softCap: Float? = nil) {
        self.encoding = encoding
        self.scale = scale
        self.softCap = softCap
    }
}

/// Which numbering attention uses after pruning (KEYFORMER section 5).
public enum PositionMode: String, Sendable, CaseIterable {
    /// A token keeps the position it was fed at.
    case original
    /// Tokens are renumbered by their index in the pruned cache.
    case compact
}
