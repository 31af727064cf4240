internal import Generation
internal import JSON

/// The `model` of a tokenizer.json: byte-pair encoding and nothing else.
struct TokenizerJSONModel {
    let usesByteTokens: Bool
    let fusesUnknown: Bool
    let ignoresMerges: Bool
    private let field: JSONField

    init(_ field: JSONField) throws(TokenizerError) {
        self.field = field
        if let type = field.member("type") {
            let name = try type.string()
            guard name == "BPE" else { throw .unsupported(field: type.path, value: name, known: ["BPE"]) }
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard let affix = field.member(key) else { continue }
            let text = try affix.string()
            guard text.isEmpty else { throw .unsupported(field: affix.path, value: text, known: ["none"]) }
        }
        if let dropout = field.member("dropout"), dropout.value.asDouble != 0 {
            throw .unsupported(field: dropout.path, value: "\(dropout.value)", known: ["none"])
        }
        usesByteTokens = try field.flag("byte_fallback", default: false)
        fusesUnknown = try field.flag("fuse_unk", default: false)
        ignoresMerges = try field.flag("ignore_merges", default: false)
    }

    /// Tokens by id with the added ones, types and merges. Ids that nothing uses are unused tokens.
    func vocabulary(idLimit: Int, added: [AddedToken]) throws(TokenizerError) -> Vocabulary {
        let listed = try listedTokens(idLimit: idLimit)
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
        vocabulary.merges = try mergeRules(index)
        if let unknown = field.member("unk_token") {
            guard let id = index[try unknown.text()] else {
                throw .badField(field: unknown.path, reason: "is not a token")
            }
            vocabulary.unknownToken = id
            vocabulary.types[Int(id)] = .unknown
        }
        return vocabulary
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
