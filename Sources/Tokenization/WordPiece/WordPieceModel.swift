internal import Generation

/// How tokens that begin a word differ from those that continue one: by what stands before their text.
struct WordPieceMarks: Sendable, Equatable {
    /// Before tokens that begin a word; nothing but in GGUF, where it is U+2581.
    var beginning: [UInt8] = []
    /// Before tokens that continue a word; BERT's is `##`, and GGUF has nothing.
    var continuation: [UInt8] = Array("##".utf8)

    /// What a token is at the beginning of a word; nil where it does not occur there.
    func beginning(of token: [UInt8]) -> ArraySlice<UInt8>? {
        guard token.starts(with: beginning), beginning.isEmpty || token.count > beginning.count else { return nil }
        return token.dropFirst(beginning.count)
    }

    /// What a token is within a word; nil where it does not occur there.
    func continuation(of token: [UInt8]) -> ArraySlice<UInt8>? {
        // The mark by itself is a character of a word.
        if continuation.isEmpty, !beginning.isEmpty, token.count > beginning.count, token.starts(with: beginning) {
            return nil
        }
        return token.starts(with: continuation) ? token.dropFirst(continuation.count) : nil
    }
}

/// What a WordPiece file says beside its tokens.
struct WordPieceRules: Sendable {
    var marks = WordPieceMarks()
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
            if let begun = rules.marks.beginning(of: text) { beginnings.append((Array(begun), Int32(id))) }
            if let continued = rules.marks.continuation(of: text) {
                continuations.append((Array(continued), Int32(id)))
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
