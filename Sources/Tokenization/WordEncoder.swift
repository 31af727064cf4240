internal import Generation

/// Turns words into tokens; keeps its buffers from word to word.
struct WordEncoder {
    private let alphabet: Alphabet
    private let pairs: PairTable
    /// Tokens by text, when a word that is a token is not merged.
    private let wholeWords: [[UInt8]: TokenID]?
    private let vocabulary: Vocabulary
    private let fusesUnknown: Bool
    private var merger = BytePairMerger()
    private var word: [Int32] = []

    init(
        alphabet: Alphabet, pairs: PairTable, wholeWords: [[UInt8]: TokenID]?, vocabulary: Vocabulary,
        fusesUnknown: Bool
    ) {
        self.alphabet = alphabet
        self.pairs = pairs
        self.wholeWords = wholeWords
        self.vocabulary = vocabulary
        self.fusesUnknown = fusesUnknown
    }

    /// Appends the tokens of `text[range]`, valid UTF-8.
    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into tokens: inout [TokenID]) {
        if let token = wholeWord(text[range]) { return tokens.append(token) }
        word.removeAll(keepingCapacity: true)
        let start = tokens.count
        switch alphabet {
        case .bytes(let bytes):
            for byte in text[range] { bytes.append(byte, to: &word) }
            merger.merge(word, by: pairs) { tokens.append($0) }
        case .characters(let characters):
            var decoder = UTF8()
            var units = text[range].makeIterator()
            while case .scalarValue(let scalar) = decoder.decode(&units) { characters.append(scalar, to: &word) }
            merger.merge(word, by: pairs) { characters.appendTokens(of: $0, to: &tokens) }
        }
        if fusesUnknown, let unknown = vocabulary.unknownForText { Self.fuse(unknown, in: &tokens, from: start) }
    }

    private func wholeWord(_ text: ArraySlice<UInt8>) -> TokenID? {
        guard let wholeWords else { return nil }
        var key: [UInt8] = []
        switch alphabet {
        case .bytes: for byte in text { key.append(contentsOf: ByteAlphabet.text(of: byte)) }
        case .characters: key = Array(text)
        }
        return wholeWords[key].flatMap { vocabulary.isSpecial($0) ? nil : $0 }
    }

    private static func fuse(_ unknown: TokenID, in tokens: inout [TokenID], from start: Int) {
        var kept = start
        for place in start..<tokens.count {
            if place > start, tokens[place] == unknown, tokens[kept - 1] == unknown { continue }
            tokens[kept] = tokens[place]
            kept += 1
        }
        tokens.removeLast(tokens.count - kept)
    }
}
