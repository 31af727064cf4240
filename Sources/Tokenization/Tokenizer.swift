public import Generation

/// Text to token ids and back: byte-pair merging over characters with byte fallback (SentencePiece) or over bytes,
/// unigram probabilities (SentencePiece), or the longest pieces of words (WordPiece).
///
/// Immutable and safe to share between threads. Encoding costs O(n log n) in the length of the text at worst.
public final class Tokenizer: Sendable {
    /// The tokens and ids that the file named.
    public let vocabulary: Vocabulary
    /// The first space of a text decoded from its start was put there by encoding and may be stripped.
    /// A completion continues its prompt, so nothing is stripped there: it starts with the bytes of its first token.
    public let addsLeadingSpace: Bool

    /// Which spaces a text decoded from its start loses.
    let leadingSpaces: LeadingSpaces

    private let definition: TokenizerDefinition
    private let index: [[UInt8]: TokenID]
    private let wholeWords: [[UInt8]: TokenID]?
    private let model: WordModel
    private let tokenBytes: [[UInt8]]
    private let matchers: AddedTokenMatchers
    private let addedTokens: [TokenID: AddedToken]
    /// Most bytes of normalised text that one token can stand for; nil where text may vanish or share one token.
    private let longestTokenBytes: Int?

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let vocabulary = definition.vocabulary
        try vocabulary.check()
        let index = try vocabulary.index()
        wholeWords =
            switch definition.wholeWords {
            case .none: nil
            case .all: index
            case .lineBreaks: index.filter { $0.key.allSatisfy { $0 == UInt8(ascii: "\n") } }
            }
        self.index = index
        for token in definition.prefix + definition.suffix + definition.addedTokens.map(\.id) {
            guard vocabulary.tokens.indices.contains(Int(token)) else {
                throw .tokenOutOfRange(
                    field: "added token", id: Int(token), vocabularySize: vocabulary.tokens.count)
            }
        }
        model = try WordModel(definition, index)
        tokenBytes = vocabulary.tokens.enumerated().map { id, token in
            definition.spelling.bytes(of: token, type: vocabulary.types[id])
        }
        matchers = AddedTokenMatchers(
            definition.addedTokens, normalizer: definition.addedTextIsNormalized ? [] : definition.normalizer)
        addedTokens = Dictionary(definition.addedTokens.map { ($0.id, $0) }) { first, _ in first }
        addsLeadingSpace = definition.addsLeadingSpace
        leadingSpaces =
            definition.stripsEveryLeadingSpace ? .everyTokens : definition.addsLeadingSpace ? .theFirst : .none
        let keepsText =
            model.coversText(fusesUnknown: definition.fusesUnknown)
            && definition.preTokenizer.allSatisfy(\.keepsText)
        longestTokenBytes = keepsText ? vocabulary.tokens.reduce(4) { max($0, $1.count) } : nil
        self.vocabulary = vocabulary
        self.definition = definition
    }

    /// Ids run from 0 to one less than this.
    public var vocabularySize: Int { vocabulary.tokens.count }
    public var bosToken: TokenID? { vocabulary.bosToken }
    /// Tokens that end a generation.
    public var eosTokens: Set<TokenID> { vocabulary.eosTokens }

    /// Tokens that `encode(addSpecial: true)` puts before a text.
    var prefixTokens: [TokenID] { definition.prefix }

    /// Whether normalising puts a space before each stretch of text.
    var prependsSpace: Bool {
        definition.normalizer.contains {
            switch $0 {
            case .prepend(let text): text == [UInt8(ascii: " ")] || text == TokenSpelling.spaceMark
            case .sentencePiece(let normalizer): normalizer.addsDummySpace && !normalizer.marksWordEnds
            default: false
            }
        }
    }

    /// How an added token is matched; nil for other tokens.
    func addedToken(_ token: TokenID) -> AddedToken? { addedTokens[token] }

    /// Whether the token is a control token or the unknown token: never made from user text.
    /// False for ids outside the vocabulary.
    public func isSpecial(_ token: TokenID) -> Bool {
        vocabulary.tokens.indices.contains(Int(token)) && vocabulary.isSpecial(token)
    }

    /// Whether the token stands for a single byte, spelled `<0x0A>`.
    func isByte(_ token: TokenID) -> Bool {
        vocabulary.tokens.indices.contains(Int(token)) && vocabulary.types[Int(token)] == .byte
    }

    /// The bytes that a token adds to the output; control tokens are their literal text. Half characters are possible.
    /// Empty for ids outside the vocabulary.
    public func bytes(of token: TokenID) -> [UInt8] {
        tokenBytes.indices.contains(Int(token)) ? tokenBytes[Int(token)] : []
    }

    /// The control token with this text.
    public func specialToken(named text: String) -> TokenID? {
        index[Array(text.utf8)].flatMap { isSpecial($0) ? $0 : nil }
    }

    /// Token ids of a text. `addSpecial` puts BOS and EOS where the model wants them; with `parseSpecial` the texts of
    /// control tokens become those tokens, without it they are ordinary text.
    public func encode(_ text: String, addSpecial: Bool, parseSpecial: Bool) -> [TokenID] {
        var stretches: [Stretch] = []
        append(Array(text.utf8), parseSpecial: parseSpecial, isTextStart: true, to: &stretches)
        return encode(stretches, addSpecial: addSpecial)
    }

    /// The same, but a text whose mere length shows that it has more than `limit` tokens is refused before the costly
    /// part, merging. A text that is encoded may still have more.
    public func encode(
        _ text: String, addSpecial: Bool, parseSpecial: Bool, limit: Int
    ) throws(TooManyTokens) -> [TokenID] {
        var stretches: [Stretch] = []
        append(Array(text.utf8), parseSpecial: parseSpecial, isTextStart: true, to: &stretches)
        try check(stretches, limit: limit)
        return encode(stretches, addSpecial: addSpecial)
    }

    /// The same for bytes; what is not UTF-8 counts as U+FFFD.
    public func encode(_ bytes: [UInt8], addSpecial: Bool, parseSpecial: Bool) -> [TokenID] {
        encode(String(decoding: bytes, as: UTF8.self), addSpecial: addSpecial, parseSpecial: parseSpecial)
    }

    /// The text of tokens, invalid UTF-8 as U+FFFD. `stripsLeadingSpace` undoes the space that encoding put in front,
    /// where this tokenizer does so.
    public func decode(_ tokens: [TokenID], skipSpecial: Bool, stripsLeadingSpace: Bool = false) -> String {
        var detokenizer = StreamingDetokenizer(self, skipSpecial: skipSpecial, stripsLeadingSpace: stripsLeadingSpace)
        var text = ""
        for token in tokens { text += detokenizer.append(token) }
        return text + detokenizer.finish()
    }
}

extension Tokenizer {
    /// A part of a text: a token found in it, or text still to be merged.
    enum Stretch {
        case token(TokenID)
        /// Normalised text; `isTextStart` if nothing is before it.
        case text([UInt8], isTextStart: Bool)
    }

    /// Finds added tokens and appends what lies between them as normalised text.
    func append(_ text: [UInt8], parseSpecial: Bool, isTextStart: Bool, to stretches: inout [Stretch]) {
        let raw = parseSpecial ? matchers.raw : matchers.rawInUserText
        let normalized = parseSpecial ? matchers.normalized : matchers.normalizedInUserText
        var isStart = isTextStart
        Self.forEachGap(in: text, raw.matches(in: text)) { gap, token in
            let stretch = definition.normalizer.normalize(gap)
            Self.forEachGap(in: stretch, normalized.matches(in: stretch)) { gap, token in
                if !gap.isEmpty { stretches.append(.text(gap, isTextStart: isStart)) }
                if !gap.isEmpty || token != nil { isStart = false }
                if let token { stretches.append(.token(token)) }
            }
            if let token {
                stretches.append(.token(token))
                isStart = false
            }
        }
    }

    /// Calls `body` with the text before each match and its token, and last with the text after all of them.
    private static func forEachGap(
        in text: [UInt8], _ matches: [AddedTokenMatcher.Match], _ body: ([UInt8], TokenID?) -> Void
    ) {
        guard !matches.isEmpty else { return body(text, nil) }
        var end = 0
        for match in matches {
            body(Array(text[end..<match.range.lowerBound]), match.id)
            end = match.range.upperBound
        }
        body(Array(text[end...]), nil)
    }

    /// Throws if the stretches cannot have as few as `limit` tokens: each token stands for so many bytes at most.
    func check(_ stretches: [Stretch], limit: Int) throws(TooManyTokens) {
        guard let longestTokenBytes else { return }
        var fewest = 0
        for stretch in stretches {
            switch stretch {
            case .token: fewest += 1
            case .text(let text, _): fewest += (text.count + longestTokenBytes - 1) / longestTokenBytes
            }
        }
        if fewest > limit { throw TooManyTokens(fewest: fewest) }
    }

    func encode(_ stretches: [Stretch], addSpecial: Bool) -> [TokenID] {
        var tokens = addSpecial ? definition.prefix : []
        var encoder = WordEncoder(
            model, wholeWords: wholeWords, vocabulary: vocabulary,
            fusesUnknown: definition.fusesUnknown)
        for stretch in stretches {
            switch stretch {
            case .token(let token):
                tokens.append(token)
            case .text(let text, let isTextStart):
                var pieces = TextPieces(text)
                for step in definition.preTokenizer { step.apply(to: &pieces, isTextStart: isTextStart) }
                for range in pieces.ranges { encoder.encode(pieces.text, range, into: &tokens) }
            }
        }
        if addSpecial { tokens += definition.suffix }
        return tokens
    }
}

/// The matchers for raw and for normalised text, each with and without control tokens.
private struct AddedTokenMatchers: Sendable {
    let raw: AddedTokenMatcher
    let rawInUserText: AddedTokenMatcher
    let normalized: AddedTokenMatcher
    let normalizedInUserText: AddedTokenMatcher

    /// A token that is matched in normalised text is normalised itself.
    init(_ tokens: [AddedToken], normalizer: [NormalizerStep]) {
        let inRaw = tokens.filter { !$0.isNormalized }
        let inNormalized = tokens.filter(\.isNormalized).map { token in
            var token = token
            token.text = normalizer.normalize(token.text)
            return token
        }
        raw = AddedTokenMatcher(inRaw)
        rawInUserText = AddedTokenMatcher(inRaw.filter { !$0.isSpecial })
        normalized = AddedTokenMatcher(inNormalized)
        normalizedInUserText = AddedTokenMatcher(inNormalized.filter { !$0.isSpecial })
    }
}
