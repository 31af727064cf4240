internal import Generation

/// The merges that SentencePiece's scores imply: two neighbours merge when their joined text is a token, the highest
/// score first (Kudo and Richardson, arXiv 1808.06226).
///
/// A symbol is always a token or a single character, so each token is split at each character border and both halves
/// are looked up: the finite table equals the search by text that SentencePiece does at every step.
struct SentencePieceMerges {
    /// Every border of a token is tried, so a very long one would cost quadratic time. Real ones have under 200 bytes.
    private static let longestText = 1024

    private(set) var table: PairTable
    /// Symbol of each character that has a token or takes part in a merge.
    private(set) var characters: [Unicode.Scalar: Int32]
    /// The characters behind the symbols past the vocabulary, by `symbol - vocabularySize`.
    private(set) var extraCharacters: [Unicode.Scalar] = []

    /// Control, unknown and byte tokens are not made by merging; `index` is the vocabulary's.
    init(vocabulary: Vocabulary, scores: [Float], index: [[UInt8]: TokenID]) throws(TokenizerError) {
        table = PairTable(capacity: 2 * vocabulary.tokens.count)
        characters = CharacterSymbols.singleCharacters(of: vocabulary)
        let ranks = Self.ranks(of: scores)
        for id in vocabulary.tokens.indices where Self.isMergeable(vocabulary.types[id]) {
            guard vocabulary.tokens[id].count <= Self.longestText else {
                let reason = "\(vocabulary.tokens[id].count) bytes, at most \(Self.longestText) can merge"
                throw .badField(field: "token \(id)", reason: reason)
            }
            insertHalves(of: id, rank: ranks[id], vocabulary, index)
        }
    }

    /// Lists the token under each pair of halves that can meet.
    private mutating func insertHalves(
        of id: Int, rank: UInt32, _ vocabulary: Vocabulary, _ index: [[UInt8]: TokenID]
    ) {
        let text = vocabulary.tokens[id]
        guard let scalars = Self.scalars(of: text), scalars.count > 1 else { return }
        var border = 0
        for split in 1..<scalars.count {
            border += UTF8.width(scalars[split - 1])
            let first = split == 1 ? scalars.first : nil
            let last = split == scalars.count - 1 ? scalars.last : nil
            guard let left = symbol(text[..<border], first, vocabulary, index),
                let right = symbol(text[border...], last, vocabulary, index)
            else { continue }
            table.insert(left: left, right: right, PairMerge(rank: rank, merged: Int32(id)))
        }
    }

    /// Equal scores have equal ranks: then the leftmost pair merges first.
    private static func ranks(of scores: [Float]) -> [UInt32] {
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var ranks = [UInt32](repeating: 0, count: scores.count)
        var rank: UInt32 = 0
        for (place, id) in order.enumerated() {
            if place > 0, scores[order[place - 1]] != scores[id] { rank += 1 }
            ranks[id] = rank
        }
        return ranks
    }

    private static func isMergeable(_ type: TokenType) -> Bool {
        type == .normal || type == .userDefined
    }

    /// nil for a text that is not UTF-8: no input can be it.
    private static func scalars(of text: [UInt8]) -> [Unicode.Scalar]? {
        String(validating: text, as: UTF8.self).map { Array($0.unicodeScalars) }
    }

    private mutating func symbol(
        _ text: ArraySlice<UInt8>, _ character: Unicode.Scalar?, _ vocabulary: Vocabulary, _ index: [[UInt8]: TokenID]
    ) -> Int32? {
        if let character {
            if let known = characters[character] { return known }
            let symbol = Int32(vocabulary.tokens.count + extraCharacters.count)
            extraCharacters.append(character)
            characters[character] = symbol
            return symbol
        }
        guard let id = index[Array(text)], Self.isMergeable(vocabulary.types[Int(id)]) else { return nil }
        return id
    }
}
