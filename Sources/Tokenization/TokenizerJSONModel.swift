internal import Generation
internal import JSON

/// The `model` of a tokenizer.json.
struct TokenizerJSONModel {
    /// The kinds that are read.
    enum Kind: String, CaseIterable {
        case merging = "BPE"
        case unigram = "Unigram"
        case wordPiece = "WordPiece"
    }

    let kind: Kind
    let usesByteTokens: Bool
    let fusesUnknown: Bool
    let ignoresMerges: Bool
    private let field: JSONField

    init(_ field: JSONField) throws(TokenizerError) {
        self.field = field
        kind = try Self.kind(of: field)
        if kind == .merging { try Self.checkMerging(field) }
        usesByteTokens = try field.flag("byte_fallback", default: false)
        fusesUnknown = try field.flag("fuse_unk", default: false)
        ignoresMerges = try field.flag("ignore_merges", default: false)
    }

    /// Old files do not name the model: it is BPE then.
    private static func kind(of field: JSONField) throws(TokenizerError) -> Kind {
        guard let type = field.member("type") else { return .merging }
        let name = try type.string()
        guard let kind = Kind(rawValue: name) else {
            throw .unsupported(field: type.path, value: name, known: Kind.allCases.map(\.rawValue))
        }
        return kind
    }

    private static func checkMerging(_ field: JSONField) throws(TokenizerError) {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard let affix = field.member(key) else { continue }
            let text = try affix.string()
            guard text.isEmpty else { throw .unsupported(field: affix.path, value: text, known: ["none"]) }
        }
        if let dropout = field.member("dropout"), dropout.value.asDouble != 0 {
            throw .unsupported(field: dropout.path, value: "\(dropout.value)", known: ["none"])
        }
    }

    /// Tokens by id with the added ones, types and merges. Ids that nothing uses are unused tokens.
    func vocabulary(idLimit: Int, added: [AddedToken]) throws(TokenizerError) -> Vocabulary {
        let listed = kind == .unigram ? try scoredTokens().map(\.entry) : try listedTokens(idLimit: idLimit)
        var count = 0
        for (id, _) in listed { count = max(count, id + 1) }
        for token in added { count = max(count, Int(token.id) + 1) }
        var vocabulary = Vocabulary(
            tokens: [[UInt8]](repeating: [], count: count), types: [TokenType](repeating: .unused, count: count))
        for (id, text) in listed {
            guard vocabulary.types[id] == .unused else { throw .duplicateToken(id: id, other: id) }
            vocabulary.tokens[id] = text
            let isByte = usesByteTokens && TokenSpelling.byte(spelledBy: text) != nil
            vocabulary.types[id] = isByte ? .byte : .normal
        }
        for token in added {
            let id = Int(token.id)
            guard vocabulary.types[id] == .unused || vocabulary.tokens[id] == token.text else {
                throw .badField(field: "added_tokens", reason: "id \(id) has two different texts")
            }
            vocabulary.tokens[id] = token.text
            vocabulary.types[id] = token.isSpecial ? .control : .userDefined
        }
        let index = try vocabulary.index()
        if kind == .merging { vocabulary.merges = try mergeRules(index) }
        if let unknown = try unknownToken(index, count: listed.count) {
            vocabulary.unknownToken = unknown
            vocabulary.types[Int(unknown)] = .unknown
        }
        return vocabulary
    }

    /// How words are cut, for a vocabulary made by `vocabulary(idLimit:added:)`.
    func algorithm(_ vocabulary: Vocabulary) throws(TokenizerError) -> TokenizerDefinition.Algorithm {
        switch kind {
        case .merging:
            return .merging
        case .unigram:
            // Added tokens beyond the list have no probability.
            var scores = [Double](repeating: -.infinity, count: vocabulary.tokens.count)
            for (id, token) in try scoredTokens().enumerated() { scores[id] = token.score }
            return .unigram(
                UnigramRules(
                    scores: scores, matched: [.normal, .userDefined, .unused, .byte],
                    scored: Set((1...6).compactMap { TokenType(rawValue: $0) }), prefersUserDefined: false,
                    roundsSums: false, usesByteTokens: usesByteTokens))
        case .wordPiece:
            var rules = WordPieceRules()
            if let prefix = field.member("continuing_subword_prefix") { rules.marks.continuation = try prefix.text() }
            if let longest = field.member("max_input_chars_per_word") { rules.longestWord = try longest.integer() }
            return .wordPiece(rules)
        }
    }

    private func unknownToken(_ index: [[UInt8]: TokenID], count: Int) throws(TokenizerError) -> TokenID? {
        if kind == .unigram {
            guard let unknown = field.member("unk_id") else { return nil }
            let id = try unknown.integer()
            guard (0..<count).contains(id), let token = TokenID(exactly: id) else {
                throw .tokenOutOfRange(field: unknown.path, id: id, vocabularySize: count)
            }
            return token
        }
        guard let unknown = field.member("unk_token") else { return nil }
        guard let id = index[try unknown.text()] else {
            throw .badField(field: unknown.path, reason: "is not a token")
        }
        return id
    }

    private func listedTokens(idLimit: Int) throws(TokenizerError) -> [(id: Int, text: [UInt8])] {
        let field = try field.required("vocab")
        var tokens: [(Int, [UInt8])] = []
        for (key, value) in try field.object() {
            guard let id = value.asInt else {
                throw .badField(field: "\(field.path).\(key)", reason: "must be an integer, not \(value.typeName)")
            }
            guard (0..<idLimit).contains(id), id < Int(TokenID.max) else {
                throw .tokenOutOfRange(field: "\(field.path).\(key)", id: id, vocabularySize: idLimit)
            }
            tokens.append((id, Array(key.utf8)))
        }
        return tokens
    }

    /// The list of a unigram model: pairs of text and log probability.
    private func scoredTokens() throws(TokenizerError) -> [(entry: (id: Int, text: [UInt8]), score: Double)] {
        var tokens: [(entry: (id: Int, text: [UInt8]), score: Double)] = []
        for pair in try field.required("vocab").elements() {
            let parts = try pair.elements()
            guard parts.count == 2 else { throw .badField(field: pair.path, reason: "must be a text and a score") }
            guard let score = parts[1].value.asDouble else {
                throw .badField(field: parts[1].path, reason: "must be a number, not \(parts[1].value.typeName)")
            }
            tokens.append(((tokens.count, try parts[0].text()), score))
        }
        return tokens
    }

    private func mergeRules(_ index: [[UInt8]: TokenID]) throws(TokenizerError) -> [MergeRule] {
        var rules: [MergeRule] = []
        for (number, rule) in try field.required("merges").elements().enumerated() {
            let halves: [Substring]
            if let text = rule.value.asString {
                halves = Self.halves(of: text)
            } else {
                halves = try rule.elements().map { field throws(TokenizerError) in try field.string()[...] }
            }
            guard halves.count == 2 else { throw .badMerge(index: number, reason: "is not two texts") }
            rules.append(try MergeRule(halves[0].utf8, halves[1].utf8, number: number, index))
        }
        return rules
    }

    /// The two texts of "a b". Split by scalars: a combining mark after the space would hide it among characters.
    private static func halves(of text: String) -> [Substring] {
        text.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { Substring($0) }
    }
}
