public import Generation

/// What a token stands for; the raw values are GGUF's `tokenizer.ggml.token_type`.
public enum TokenType: Int32, Sendable {
    /// Ordinary text.
    case normal = 1
    /// Stands for text that has no token.
    case unknown = 2
    /// A control token: never made from user text.
    case control = 3
    /// Literal text that is always one token, in user text too.
    case userDefined = 4
    /// Occupies an id without meaning.
    case unused = 5
    /// A single byte, spelled `<0x0A>`.
    case byte = 6
}

/// One byte-pair merge: `left` followed by `right` becomes `merged`. Rules are listed by rank, most wanted first.
public struct MergeRule: Sendable, Equatable {
    public let left: TokenID
    public let right: TokenID
    public let merged: TokenID

    public init(left: TokenID, right: TokenID, merged: TokenID) {
        self.left = left
        self.right = right
        self.merged = merged
    }
}

/// The tokens of a model and the ids with a meaning of their own. Plain values; `Tokenizer` checks them.
public struct Vocabulary: Sendable {
    /// Text of each token as the file stores it (byte-level tokens in GPT-2's printable alphabet, spaces as U+2581).
    public var tokens: [[UInt8]]
    /// One for each token.
    public var types: [TokenType]
    /// SentencePiece scores, higher merges first; nil where `merges` decide.
    public var scores: [Float]?
    /// Byte-pair merges by rank; empty where `scores` decide.
    public var merges: [MergeRule] = []
    public var bosToken: TokenID?
    /// The model's own end token; `eosTokens` has the others.
    public var eosToken: TokenID?
    /// Every token that ends a generation.
    public var eosTokens: Set<TokenID> = []
    public var unknownToken: TokenID?
    /// A text starts with BOS.
    public var addBOS = false
    /// A text ends with EOS.
    public var addEOS = false
    /// A space is put before each stretch of text, so that a word has one token wherever it stands.
    public var addSpacePrefix = false

    public init(tokens: [[UInt8]], types: [TokenType]) {
        self.tokens = tokens
        self.types = types
    }

    /// The unknown token if text may become it. Some files name BOS or EOS: then text that has no token has none.
    var unknownForText: TokenID? {
        guard let unknownToken, types[Int(unknownToken)] != .control, unknownToken != bosToken,
            !eosTokens.contains(unknownToken)
        else { return nil }
        return unknownToken
    }

    /// Control and unknown tokens: no user text becomes one, and output may leave them out.
    func isSpecial(_ token: TokenID) -> Bool {
        let type = types[Int(token)]
        return type == .control || type == .unknown
    }
}

/// A text that is one token wherever it occurs, matched before any merging.
struct AddedToken: Sendable {
    var id: TokenID
    var text: [UInt8]
    /// Matched only when the caller asks for special tokens.
    var isSpecial: Bool
    /// Swallows the white space before it.
    var stripsLeft = false
    /// Swallows the white space after it.
    var stripsRight = false
    /// Not matched inside a word.
    var isSingleWord = false
    /// Matched in normalised text.
    var isNormalized = false
}

extension Vocabulary {
    /// Names of tokens that end a turn or a text in well-known models.
    private static let endNames: Set<[UInt8]> = Set(
        ["<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"].map { Array($0.utf8) })

    /// Makes control tokens of the well-known end tokens, and of BOS and EOS in angle brackets. Files without token
    /// types, and some with wrong ones, list them as ordinary text.
    mutating func repairTypes() {
        for id in [bosToken, eosToken].compactMap({ $0 }) where tokens.indices.contains(Int(id)) {
            let text = tokens[Int(id)]
            if types[Int(id)] == .normal || types[Int(id)] == .userDefined, text.count > 2,
                text.first == UInt8(ascii: "<"), text.last == UInt8(ascii: ">")
            {
                types[Int(id)] = .control
            }
        }
        for (id, token) in tokens.enumerated() where Self.endNames.contains(token) { types[id] = .control }
    }

    /// Adds EOS and the well-known end tokens among the control tokens to `eosTokens`.
    mutating func collectEndTokens() {
        if let eosToken { eosTokens.insert(eosToken) }
        for (id, token) in tokens.enumerated() where types[id] == .control && Self.endNames.contains(token) {
            eosTokens.insert(TokenID(id))
        }
    }

    /// Checks counts, ids and scores, so that later code may index freely.
    func check() throws(TokenizerError) {
        guard !tokens.isEmpty else { throw .emptyVocabulary }
        guard tokens.count < Int(TokenID.max) else {
            throw .badField(field: "tokens", reason: "more than \(TokenID.max) tokens")
        }
        guard types.count == tokens.count else {
            throw .countMismatch(field: "token types", count: types.count, tokens: tokens.count)
        }
        if let scores {
            guard scores.count == tokens.count else {
                throw .countMismatch(field: "scores", count: scores.count, tokens: tokens.count)
            }
            if let bad = scores.firstIndex(where: \.isNaN) { throw .badScore(id: bad) }
        }
        let named = [("bos token", bosToken), ("eos token", eosToken), ("unknown token", unknownToken)]
        for (field, id) in named + eosTokens.map({ ("end token", $0) }) {
            if let id { try checkRange(id, field: field) }
        }
        for (index, rule) in merges.enumerated() {
            for id in [rule.left, rule.right, rule.merged] { try checkRange(id, field: "merge \(index)") }
        }
    }

    private func checkRange(_ id: TokenID, field: String) throws(TokenizerError) {
        guard id >= 0, Int(id) < tokens.count else {
            throw .tokenOutOfRange(field: field, id: Int(id), vocabularySize: tokens.count)
        }
    }

    /// Token of each text. Unused tokens may be empty or repeat a text; the others may not.
    func index() throws(TokenizerError) -> [[UInt8]: TokenID] {
        var index: [[UInt8]: TokenID] = [:]
        index.reserveCapacity(tokens.count)
        for (id, text) in tokens.enumerated() where types[id] != .unused {
            guard !text.isEmpty else { throw .emptyToken(id: id) }
            if let other = index.updateValue(TokenID(id), forKey: text) {
                throw .duplicateToken(id: id, other: Int(other))
            }
        }
        return index
    }
}
