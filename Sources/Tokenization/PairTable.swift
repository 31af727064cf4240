internal import Generation

/// What two neighbouring symbols become, and how soon.
struct PairMerge {
    /// Lower merges first.
    var rank: UInt32
    var merged: Int32
}

/// All byte-pair merges by the two symbols they join.
///
/// A symbol is a token id, or a number past the vocabulary for a single character that has no token of its own but
/// begins or ends one that has.
struct PairTable: Sendable {
    private var merges: [UInt64: PairMerge] = [:]

    /// Room for `count` pairs.
    init(capacity count: Int) { merges.reserveCapacity(count) }

    /// Keeps the better rank where a pair is listed twice.
    mutating func insert(left: Int32, right: Int32, _ merge: PairMerge) {
        let key = Self.key(left, right)
        if let known = merges[key], known.rank <= merge.rank { return }
        merges[key] = merge
    }

    /// nil when the two symbols do not merge.
    func merge(_ left: Int32, _ right: Int32) -> PairMerge? { merges[Self.key(left, right)] }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}

extension PairTable {
    /// Listed merges (Sennrich et al., arXiv 1508.07909): the rank is the place in the list, or the merged token's id.
    /// A rule that would make a control token is left out: user text must not become one.
    init(rules: [MergeRule], vocabulary: Vocabulary, ranksAreTokens: Bool = false) {
        self.init(capacity: rules.count)
        for (rank, rule) in rules.enumerated() where !vocabulary.isSpecial(rule.merged) {
            let rank = ranksAreTokens ? UInt32(rule.merged) : UInt32(rank)
            insert(left: rule.left, right: rule.right, PairMerge(rank: rank, merged: rule.merged))
        }
    }
}
