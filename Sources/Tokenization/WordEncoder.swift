internal import Generation

/// What turns a word into tokens.
enum WordModel: Sendable {
    case merging(Alphabet, PairTable)
    case unigram(UnigramModel)
    case wordPiece(WordPieceModel)

    init(_ definition: TokenizerDefinition, _ index: [[UInt8]: TokenID]) throws(TokenizerError) {
        let vocabulary = definition.vocabulary
        switch definition.algorithm {
        case .merging: self = try Self.merging(definition, index)
        case .unigram(let rules): self = .unigram(try UnigramModel(rules, vocabulary: vocabulary, index: index))
        case .wordPiece(let rules): self = .wordPiece(try WordPieceModel(rules, vocabulary: vocabulary))
        }
    }

    private static func merging(
        _ definition: TokenizerDefinition, _ index: [[UInt8]: TokenID]
    ) throws(TokenizerError) -> WordModel {
        let vocabulary = definition.vocabulary
        switch definition.symbols {
        case .bytes:
            let symbols = try ByteSymbols(vocabulary: vocabulary, index: index)
            let pairs = PairTable(
                rules: vocabulary.merges, vocabulary: vocabulary, ranksAreTokens: definition.ranksAreTokens)
            return .merging(.bytes(symbols), pairs)
        case .characters(let usesByteTokens):
            var characters = CharacterSymbols.singleCharacters(of: vocabulary)
            var extraCharacters: [Unicode.Scalar] = []
            let pairs: PairTable
            if let scores = vocabulary.scores {
                let merges = try SentencePieceMerges(vocabulary: vocabulary, scores: scores, index: index)
                (pairs, characters, extraCharacters) = (merges.table, merges.characters, merges.extraCharacters)
            } else {
                pairs = PairTable(rules: vocabulary.merges, vocabulary: vocabulary)
            }
            let symbols = try CharacterSymbols(
                characters: characters, extraCharacters: extraCharacters, usesByteTokens: usesByteTokens,
                vocabulary: vocabulary, index: index)
            return .merging(.characters(symbols), pairs)
        }
    }

    /// Whether every piece of text has tokens of its own: none vanishes or shares the unknown token with its
    /// neighbours. `fusesUnknown` is the definition's.
    func coversText(fusesUnknown: Bool) -> Bool {
        switch self {
        case .merging(let alphabet, _): !alphabet.dropsText && (alphabet.knowsAllText || !fusesUnknown)
        case .unigram(let model): model.knowsAllText
        case .wordPiece: false
        }
    }
}

/// Turns words into tokens; keeps its buffers from word to word.
struct WordEncoder {
    private let model: WordModel
    /// Tokens by text, when a word that is a token is not merged.
    private let wholeWords: [[UInt8]: TokenID]?
    private let vocabulary: Vocabulary
    private let fusesUnknown: Bool
    private var merger = BytePairMerger()
    private var word: [Int32] = []

    init(_ model: WordModel, wholeWords: [[UInt8]: TokenID]?, vocabulary: Vocabulary, fusesUnknown: Bool) {
        self.model = model
        self.wholeWords = wholeWords
        self.vocabulary = vocabulary
        self.fusesUnknown = fusesUnknown
    }

    /// Appends the tokens of `text[range]`, valid UTF-8.
    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into tokens: inout [TokenID]) {
        switch model {
        case .merging(let alphabet, let pairs): merge(text, range, alphabet, pairs, into: &tokens)
        case .unigram(let model): model.encode(text, range, into: &tokens)
        case .wordPiece(let model): model.encode(text, range, into: &tokens)
        }
    }

    private mutating func merge(
        _ text: [UInt8], _ range: Range<Int>, _ alphabet: Alphabet, _ pairs: PairTable, into tokens: inout [TokenID]
    ) {
        if let token = wholeWord(text[range], alphabet) { return tokens.append(token) }
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

    private func wholeWord(_ text: ArraySlice<UInt8>, _ alphabet: Alphabet) -> TokenID? {
        guard let wholeWords else { return nil }
        var key: [UInt8] = []
        switch alphabet {
        case .bytes: key = ByteAlphabet.spell(text)
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
