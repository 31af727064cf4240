internal import Generation

/// What a WordPiece file says beside its tokens.
struct WordPieceRules: Sendable {
    /// Begins every token that continues a word; BERT's is `##`.
    var continuation: [UInt8] = Array("##".utf8)
    /// A word of more characters is the unknown token.
    var longestWord = 100
}

/// Greedy segmentation of a word: the longest token that begins it, then the longest that continues it, and so on
/// (Schuster and Nakajima 2012, as BERT has it). A word that cannot be covered is one unknown token.
struct WordPieceModel: Sendable {
    private let beginnings: ByteTrie
    private let continuations: ByteTrie
    private let unknown: TokenID
    private let longestWord: Int

    init(_ rules: WordPieceRules, vocabulary: Vocabulary) throws(TokenizerError) {
        guard let unknown = vocabulary.unknownToken else {
            throw .badField(field: "model.unk_token", reason: "is not a token")
        }
        self.unknown = unknown
        longestWord = rules.longestWord
        var beginnings: [(text: [UInt8], value: Int32)] = []
        var continuations = beginnings
        for (id, text) in vocabulary.tokens.enumerated() {
            guard vocabulary.types[id] != .unused, vocabulary.types[id] != .control else { continue }
            beginnings.append((text, Int32(id)))
            if text.starts(with: rules.continuation) {
                continuations.append((Array(text.dropFirst(rules.continuation.count)), Int32(id)))
            }
        }
        self.beginnings = ByteTrie(beginnings)
        self.continuations = ByteTrie(continuations)
    }

    /// Appends the tokens of the word `text[range]`, valid UTF-8.
    func encode(_ text: [UInt8], _ range: Range<Int>, into tokens: inout [TokenID]) {
        // A continuation byte begins no character.
        guard text[range].reduce(0, { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }) <= longestWord else {
            return tokens.append(unknown)
        }
        let count = tokens.count
        var place = range.lowerBound
        while place < range.upperBound {
            let trie = place == range.lowerBound ? beginnings : continuations
            guard let (token, length) = trie.longestPrefix(in: text, place..<range.upperBound) else {
                tokens.removeLast(tokens.count - count)
                return tokens.append(unknown)
            }
            tokens.append(token)
            place += length
        }
    }
}
