internal import Generation
internal import JSON

/// What `tokenizer_config.json` and `generation_config.json` say about any tokenizer file in their folder.
struct TokenizerFolderFields {
    /// No published tokenizer adds more tokens to its file's own.
    static let mostAddedTokens = 1 << 16

    let config: JSONField
    let generation: JSONField

    init(config: JSONObject?, generation: JSONObject?) {
        self.config = JSONField(path: "tokenizer_config", value: config.map(JSONValue.object) ?? .null)
        self.generation = JSONField(path: "generation_config", value: generation.map(JSONValue.object) ?? .null)
    }

    /// A truth value of tokenizer_config.json.
    func flag(_ key: String, default absent: Bool) throws(TokenizerError) -> Bool {
        try config.flag(key, default: absent)
    }

    /// The tokens of `added_tokens_decoder`, by id; ids are below `idLimit`.
    func addedTokens(idLimit: Int) throws(TokenizerError) -> [AddedToken] {
        guard let list = config.member("added_tokens_decoder") else { return [] }
        var tokens: [AddedToken] = []
        for (key, value) in try list.object() {
            let field = JSONField(path: "\(list.path).\(key)", value: value)
            guard let id = Int(key) else { throw .badField(field: field.path, reason: "must be named by an id") }
            tokens.append(try AddedToken(field, id: id, idLimit: idLimit))
        }
        return tokens.sorted { $0.id < $1.id }
    }

    /// BOS and EOS by their names in tokenizer_config.json, more end tokens from generation_config.json. What the
    /// vocabulary has already stays where the files say nothing.
    func setIDs(_ vocabulary: inout Vocabulary) throws(TokenizerError) {
        let index = try vocabulary.index()
        let firstID = try ids("bos_token_id", vocabulary).first
        vocabulary.bosToken = try named("bos_token", index) ?? firstID ?? vocabulary.bosToken
        vocabulary.eosToken = try named("eos_token", index) ?? vocabulary.eosToken
        vocabulary.eosTokens = Set(try ids("eos_token_id", vocabulary))
        vocabulary.collectEndTokens()
        if vocabulary.eosToken == nil { vocabulary.eosToken = vocabulary.eosTokens.min() }
    }

    /// A token that tokenizer_config.json names, as text or as an object with its text.
    private func named(_ key: String, _ index: [[UInt8]: TokenID]) throws(TokenizerError) -> TokenID? {
        guard let field = config.member(key) else { return nil }
        let text = try (field.member("content") ?? field).text()
        guard let id = index[text] else {
            throw .badField(field: field.path, reason: "\"\(String(decoding: text, as: UTF8.self))\" is not a token")
        }
        return id
    }

    /// Ids of generation_config.json: one or a list.
    private func ids(_ key: String, _ vocabulary: Vocabulary) throws(TokenizerError) -> [TokenID] {
        guard let field = generation.member(key) else { return [] }
        var ids: [TokenID] = []
        for field in field.value.asArray == nil ? [field] : try field.elements() {
            let id = try field.integer()
            guard vocabulary.tokens.indices.contains(id), let token = TokenID(exactly: id) else {
                throw .tokenOutOfRange(field: field.path, id: id, vocabularySize: vocabulary.tokens.count)
            }
            ids.append(token)
        }
        return ids
    }
}

extension AddedToken {
    /// An added token as tokenizer.json and tokenizer_config.json describe it.
    init(_ field: JSONField, id: Int, idLimit: Int) throws(TokenizerError) {
        guard id >= 0, id < idLimit, let token = TokenID(exactly: id) else {
            throw .tokenOutOfRange(field: "\(field.path).id", id: id, vocabularySize: idLimit)
        }
        self.init(
            id: token, text: try field.required("content").text(),
            isSpecial: try field.flag("special", default: false),
            stripsLeft: try field.flag("lstrip", default: false),
            stripsRight: try field.flag("rstrip", default: false),
            isSingleWord: try field.flag("single_word", default: false),
            isNormalized: try field.flag("normalized", default: true))
    }
}

extension Vocabulary {
    /// Enters added tokens at their ids; ids between that nothing uses are unused tokens. Texts of a file's own tokens
    /// stay.
    mutating func append(_ added: [AddedToken]) throws(TokenizerError) {
        for token in added {
            let id = Int(token.id)
            if id >= tokens.count {
                let more = id + 1 - tokens.count
                tokens += [[UInt8]](repeating: [], count: more)
                types += [TokenType](repeating: .unused, count: more)
            }
            guard types[id] == .unused || tokens[id] == token.text else {
                throw .badField(
                    field: "added_tokens_decoder.\(id)", reason: "the vocabulary has another text for this id")
            }
            if types[id] == .unused { tokens[id] = token.text }
            if types[id] != .unknown { types[id] = token.isSpecial ? .control : .userDefined }
        }
    }
}
