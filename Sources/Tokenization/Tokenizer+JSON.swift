internal import Generation
public import JSON

extension Tokenizer {
    /// A tokenizer from a Hugging Face folder: `tokenizer.json` (model BPE), `tokenizer_config.json` for BOS and EOS,
    /// `generation_config.json` for more end tokens.
    ///
    /// A text gets the tokens of the file's template. Where the file has none, `add_bos_token` and `add_eos_token` of
    /// `tokenizer_config.json` decide.
    public convenience init(
        tokenizerJSON: [UInt8], tokenizerConfig: JSONObject?, generationConfig: JSONObject?
    ) throws(TokenizerError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: tokenizerJSON, limits: .file)
        } catch {
            throw .badJSON(error.description)
        }
        var reader = TokenizerJSONReader(
            root: JSONField(path: "", value: value),
            config: JSONField(path: "tokenizer_config", value: tokenizerConfig.map(JSONValue.object) ?? .null),
            generation: JSONField(path: "generation_config", value: generationConfig.map(JSONValue.object) ?? .null),
            idLimit: tokenizerJSON.count)
        try self.init(reader.definition())
    }
}

/// Reads the parts of a tokenizer.json one after the other.
struct TokenizerJSONReader {
    let root: JSONField
    let config: JSONField
    let generation: JSONField
    /// Ids are below this: every token takes at least a byte of the file, so a larger id only wastes memory.
    let idLimit: Int

    init(root: JSONField, config: JSONField, generation: JSONField, idLimit: Int) {
        self.root = root
        self.config = config
        self.generation = generation
        self.idLimit = idLimit
    }

    mutating func definition() throws(TokenizerError) -> TokenizerDefinition {
        _ = try root.object()
        let model = try TokenizerJSONModel(try root.required("model"))
        var vocabulary = try model.vocabulary(idLimit: idLimit, added: try addedTokens())
        try setIDs(&vocabulary)
        let preTokenizer = try TokenizerJSONPipeline.preTokenizer(root.member("pre_tokenizer"))
        let decoder = try TokenizerJSONDecoder(root.member("decoder"), isByteLevel: preTokenizer.isByteLevel)
        var definition = TokenizerDefinition(
            vocabulary: vocabulary,
            symbols: preTokenizer.isByteLevel ? .bytes : .characters(usesByteTokens: model.usesByteTokens),
            spelling: decoder.spelling)
        definition.fusesUnknown = model.fusesUnknown
        definition.ignoresMerges = model.ignoresMerges
        definition.normalizer = try TokenizerJSONPipeline.normalizer(root.member("normalizer"))
        definition.preTokenizer = preTokenizer.steps
        definition.addedTokens = try addedTokens()
        definition.addsLeadingSpace = decoder.stripsLeadingSpace
        try setTemplate(&definition)
        return definition
    }

    private func addedTokens() throws(TokenizerError) -> [AddedToken] {
        guard let list = root.member("added_tokens") else { return [] }
        var tokens: [AddedToken] = []
        for field in try list.elements() {
            let id = try field.required("id").integer()
            guard id >= 0, id < idLimit, let token = TokenID(exactly: id) else {
                throw .tokenOutOfRange(field: "\(field.path).id", id: id, vocabularySize: idLimit)
            }
            tokens.append(
                AddedToken(
                    id: token, text: try field.required("content").text(),
                    isSpecial: try field.flag("special", default: false),
                    stripsLeft: try field.flag("lstrip", default: false),
                    stripsRight: try field.flag("rstrip", default: false),
                    isSingleWord: try field.flag("single_word", default: false),
                    isNormalized: try field.flag("normalized", default: true)))
        }
        return tokens
    }

    private func setIDs(_ vocabulary: inout Vocabulary) throws(TokenizerError) {
        let index = try vocabulary.index()
        let firstID = try ids("bos_token_id", vocabulary).first
        vocabulary.bosToken = try named("bos_token", index) ?? firstID
        vocabulary.eosToken = try named("eos_token", index)
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

    private func setTemplate(_ definition: inout TokenizerDefinition) throws(TokenizerError) {
        let vocabulary = definition.vocabulary
        if let template = try TokenizerJSONTemplate(root.member("post_processor")) {
            definition.prefix = template.prefix
            definition.suffix = template.suffix
        } else {
            if try config.flag("add_bos_token", default: false) {
                guard let bos = vocabulary.bosToken else {
                    throw .badField(field: "tokenizer_config.add_bos_token", reason: "there is no bos_token")
                }
                definition.prefix = [bos]
            }
            if try config.flag("add_eos_token", default: false) {
                guard let eos = vocabulary.eosToken else {
                    throw .badField(field: "tokenizer_config.add_eos_token", reason: "there is no eos_token")
                }
                definition.suffix = [eos]
            }
        }
        definition.vocabulary.addBOS = vocabulary.bosToken.map(definition.prefix.contains) ?? false
        definition.vocabulary.addEOS = vocabulary.eosToken.map(definition.suffix.contains) ?? false
        definition.vocabulary.addSpacePrefix = definition.addsLeadingSpace
    }
}
