internal import Generation

/// The `tokenizer.ggml.*` fields of a GGUF file. nil where the file has no such key.
public struct GGUFVocabulary: Sendable {
    /// `tokenizer.ggml.model`: "llama" (SentencePiece BPE), "t5" (SentencePiece unigram), "gpt2" (byte-level), "gemma4"
    /// (the latter's merges of characters) or "bert" (WordPiece).
    public var model: String
    /// `tokenizer.ggml.pre`: how byte-level text is split; nil counts as "default".
    public var pre: String?
    /// `tokenizer.ggml.tokens`.
    public var tokens: [[UInt8]]
    /// `tokenizer.ggml.scores`; not for "gpt2".
    public var scores: [Float]?
    /// `tokenizer.ggml.token_type`, GGUF's numbers.
    public var types: [Int32]?
    /// `tokenizer.ggml.merges`: two token texts with a space between; "gpt2" only.
    public var merges: [[UInt8]]?
    /// `tokenizer.ggml.bos_token_id`, `eos_token_id`, `unknown_token_id`.
    public var bosToken: Int?
    public var eosToken: Int?
    public var unknownToken: Int?
    /// `tokenizer.ggml.eot_token_id`, `eom_token_id` and the like: more tokens that end a generation.
    public var endTokens: [Int] = []
    /// `tokenizer.ggml.add_bos_token`, `add_eos_token`, `add_space_prefix`.
    public var addBOS: Bool?
    public var addEOS: Bool?
    public var addSpacePrefix: Bool?
    /// `tokenizer.ggml.precompiled_charsmap`, `remove_extra_whitespaces`; "t5" only.
    public var precompiledCharsMap: [UInt8]?
    public var removesExtraSpaces: Bool?
    /// `tokenizer.ggml.cls_token_id`, `seperator_token_id` (spelled so), `add_sep_token`, `normalizer.lowercase` and
    /// `normalizer.strip_accents`; "bert" only.
    public var classToken: Int?
    public var separatorToken: Int?
    public var addSeparator: Bool?
    public var lowercases: Bool?
    public var stripsAccents: Bool?

    public init(model: String, tokens: [[UInt8]]) {
        self.model = model
        self.tokens = tokens
    }
}

extension Tokenizer {
    /// A tokenizer from GGUF metadata, with llama.cpp's defaults for absent fields.
    public convenience init(_ gguf: GGUFVocabulary) throws(TokenizerError) {
        try self.init(gguf.definition())
    }
}

extension GGUFVocabulary {
    private static let models = ["llama", "t5", "gpt2", "gemma4", "bert"]

    private var isUnigram: Bool { model == "t5" }

    func definition() throws(TokenizerError) -> TokenizerDefinition {
        let isSentencePiece = model == "llama" || isUnigram
        let pre = model == "gemma4" ? model : pre ?? "default"
        let mergesLines = !isSentencePiece && PreTokenizerPatterns.wholeLineNames[pre] != nil
        guard Self.models.contains(model) else {
            throw .unsupported(field: "tokenizer.ggml.model", value: model, known: Self.models)
        }
        guard !tokens.isEmpty else { throw .emptyVocabulary }
        guard types.map({ $0.count == tokens.count }) ?? true else {
            throw .countMismatch(field: "tokenizer.ggml.token_type", count: types?.count ?? 0, tokens: tokens.count)
        }
        let hasCharacters = isSentencePiece || mergesLines
        var definition = TokenizerDefinition(
            vocabulary: Vocabulary(tokens: tokens, types: try tokenTypes()),
            symbols: hasCharacters ? .characters(usesByteTokens: true) : .bytes,
            spelling: hasCharacters ? .sentencePiece : .byteLevel)
        if model == "bert" { return try wordPiece(definition) }
        try setIDs(&definition.vocabulary, isSentencePiece: isSentencePiece)
        definition.vocabulary.repairTypes()
        definition.vocabulary.collectEndTokens()
        if isUnigram {
            try setUnigram(&definition)
        } else if isSentencePiece {
            try setSentencePiece(&definition)
        } else if mergesLines {
            definition.normalizer = [.replace([UInt8(ascii: " ")], with: TokenSpelling.spaceMark)]
            definition.preTokenizer = try PreTokenizerPatterns.lines()
            definition.fusesUnknown = true
            if PreTokenizerPatterns.wholeLineNames[pre] == true { definition.wholeWords = .lineBreaks }
            definition.vocabulary.merges = try mergeRules(definition.vocabulary)
        } else {
            definition.preTokenizer = try PreTokenizerPatterns.steps(named: pre)
            if PreTokenizerPatterns.wholeWordNames.contains(pre) { definition.wholeWords = .all }
            definition.vocabulary.merges = try mergeRules(definition.vocabulary)
        }
        definition.addedTokens = Self.addedTokens(of: definition.vocabulary)
        if definition.vocabulary.addBOS, let bos = definition.vocabulary.bosToken { definition.prefix = [bos] }
        if definition.vocabulary.addEOS, let eos = definition.vocabulary.eosToken { definition.suffix = [eos] }
        return definition
    }

    private func setSentencePiece(_ definition: inout TokenizerDefinition) throws(TokenizerError) {
        guard let scores else { throw .badField(field: "tokenizer.ggml.scores", reason: "missing") }
        definition.vocabulary.scores = scores
        definition.vocabulary.addSpacePrefix = addSpacePrefix ?? true
        definition.addsLeadingSpace = definition.vocabulary.addSpacePrefix
        definition.fusesUnknown = true
        if definition.vocabulary.addSpacePrefix { definition.normalizer.append(.prepend([UInt8(ascii: " ")])) }
        definition.normalizer.append(.replace([UInt8(ascii: " ")], with: TokenSpelling.spaceMark))
    }

    /// As llama.cpp has it: sums in double precision, and user-defined tokens cost nothing.
    private func setUnigram(_ definition: inout TokenizerDefinition) throws(TokenizerError) {
        guard let scores, scores.count == tokens.count else {
            throw .countMismatch(field: "tokenizer.ggml.scores", count: scores?.count ?? 0, tokens: tokens.count)
        }
        var rules = UnigramRules(scores: scores.map(Double.init))
        for id in tokens.indices where definition.vocabulary.types[id] == .userDefined { rules.scores[id] = 0 }
        rules.prefersUserDefined = false
        rules.roundsSums = false
        definition.algorithm = .unigram(rules)
        definition.vocabulary.addSpacePrefix = addSpacePrefix ?? true
        definition.addsLeadingSpace = definition.vocabulary.addSpacePrefix
        definition.fusesUnknown = true
        var normalizer = SentencePieceNormalizer()
        normalizer.addsDummySpace = definition.vocabulary.addSpacePrefix
        normalizer.removesExtraSpaces = removesExtraSpaces ?? false
        if let precompiledCharsMap, !precompiledCharsMap.isEmpty {
            normalizer.replacements = try PrecompiledCharsMap(
                precompiledCharsMap, field: "tokenizer.ggml.precompiled_charsmap")
        }
        definition.normalizer = [.sentencePiece(normalizer)]
    }

    private func tokenTypes() throws(TokenizerError) -> [TokenType] {
        guard let types else { return [TokenType](repeating: .normal, count: tokens.count) }
        // A number that GGUF does not define is text like any other.
        return types.map { TokenType(rawValue: $0) ?? .normal }
    }

    private func setIDs(_ vocabulary: inout Vocabulary, isSentencePiece: Bool) throws(TokenizerError) {
        vocabulary.bosToken = try token(bosToken, "tokenizer.ggml.bos_token_id")
        vocabulary.eosToken = try token(eosToken, "tokenizer.ggml.eos_token_id")
        vocabulary.unknownToken = try token(unknownToken, "tokenizer.ggml.unknown_token_id")
        for end in endTokens {
            if let end = try token(end, "tokenizer.ggml.eot_token_id") { vocabulary.eosTokens.insert(end) }
        }
        if isSentencePiece, unknownToken == nil, vocabulary.types.first == .unknown { vocabulary.unknownToken = 0 }
        let familyBegins = isSentencePiece && !isUnigram || PreTokenizerPatterns.bosNames.contains(pre ?? "")
        vocabulary.addBOS = addBOS ?? familyBegins
        vocabulary.addEOS = addEOS ?? isUnigram
    }

    func token(_ id: Int?, _ field: String) throws(TokenizerError) -> TokenID? {
        guard let id else { return nil }
        guard tokens.indices.contains(id), let token = TokenID(exactly: id) else {
            throw .tokenOutOfRange(field: field, id: id, vocabularySize: tokens.count)
        }
        return token
    }

    private func mergeRules(_ vocabulary: Vocabulary) throws(TokenizerError) -> [MergeRule] {
        guard let merges else { throw .badField(field: "tokenizer.ggml.merges", reason: "missing") }
        let index = try vocabulary.index()
        var rules: [MergeRule] = []
        rules.reserveCapacity(merges.count)
        for (number, merge) in merges.enumerated() {
            // The second half starts behind the first space that is not the first half itself.
            guard let space = merge.dropFirst().firstIndex(of: UInt8(ascii: " ")) else {
                throw .badMerge(index: number, reason: "is not two texts with a space between")
            }
            rules.append(try MergeRule(merge[..<space], merge[(space + 1)...], number: number, index))
        }
        return rules
    }

    static func addedTokens(of vocabulary: Vocabulary) -> [AddedToken] {
        vocabulary.tokens.indices.compactMap { id in
            switch vocabulary.types[id] {
            case .control, .unknown: AddedToken(id: TokenID(id), text: vocabulary.tokens[id], isSpecial: true)
            case .userDefined: AddedToken(id: TokenID(id), text: vocabulary.tokens[id], isSpecial: false)
            case .normal, .unused, .byte: nil
            }
        }
    }
}

extension MergeRule {
    /// Looks up both halves and their joined text.
    init(
        _ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>, number: Int, _ index: [[UInt8]: TokenID]
    ) throws(TokenizerError) {
        let (leftText, rightText) = (Array(left), Array(right))
        func token(_ text: [UInt8]) throws(TokenizerError) -> TokenID {
            guard let id = index[text] else {
                let shown = String(decoding: text.prefix(40), as: UTF8.self)
                throw .badMerge(index: number, reason: "\"\(shown)\" is not a token")
            }
            return id
        }
        self.init(left: try token(leftText), right: try token(rightText), merged: try token(leftText + rightText))
    }
}
