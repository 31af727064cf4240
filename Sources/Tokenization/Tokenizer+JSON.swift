internal import Generation
public import JSON

extension Tokenizer {
    /// A tokenizer from a Hugging Face folder: `tokenizer.json` (BPE, Unigram or WordPiece), `tokenizer_config.json`
    /// for BOS and EOS, `generation_config.json` for more end tokens.
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
            folder: TokenizerFolderFields(config: tokenizerConfig, generation: generationConfig),
            idLimit: tokenizerJSON.count)
        try self.init(reader.definition())
    }
}

/// Reads the parts of a tokenizer.json one after the other.
struct TokenizerJSONReader {
    let root: JSONField
    let folder: TokenizerFolderFields
    /// Ids are below this: every token takes at least a byte of the file, so a larger id only wastes memory.
    let idLimit: Int

    init(root: JSONField, folder: TokenizerFolderFields, idLimit: Int) {
        self.root = root
        self.folder = folder
        self.idLimit = idLimit
    }

    mutating func definition() throws(TokenizerError) -> TokenizerDefinition {
        _ = try root.object()
        let model = try TokenizerJSONModel(try root.required("model"))
        var vocabulary = try model.vocabulary(idLimit: idLimit, added: try addedTokens())
        try folder.setIDs(&vocabulary)
        let preTokenizer = try TokenizerJSONPipeline.preTokenizer(root.member("pre_tokenizer"))
        let decoder = try TokenizerJSONDecoder(root.member("decoder"), isByteLevel: preTokenizer.isByteLevel)
        var definition = TokenizerDefinition(
            vocabulary: vocabulary, algorithm: try model.algorithm(vocabulary),
            symbols: preTokenizer.isByteLevel ? .bytes : .characters(usesByteTokens: model.usesByteTokens),
            spelling: decoder.spelling)
        definition.fusesUnknown = model.fusesUnknown
        if model.ignoresMerges { definition.wholeWords = .all }
        definition.normalizer = try TokenizerJSONPipeline.normalizer(root.member("normalizer"))
        definition.preTokenizer = preTokenizer.steps
        if preTokenizer.isByteLevel, model.kind != .merging { definition.preTokenizer.append(.spellBytes) }
        definition.addedTokens = try addedTokens()
        definition.addsLeadingSpace = decoder.stripsLeadingSpace
        try setTemplate(&definition)
        return definition
    }

    private func addedTokens() throws(TokenizerError) -> [AddedToken] {
        guard let list = root.member("added_tokens") else { return [] }
        var tokens: [AddedToken] = []
        for field in try list.elements() {
            tokens.append(try AddedToken(field, id: try field.required("id").integer(), idLimit: idLimit))
        }
        return tokens
    }

    private func setTemplate(_ definition: inout TokenizerDefinition) throws(TokenizerError) {
        let vocabulary = definition.vocabulary
        if let template = try TokenizerJSONTemplate(root.member("post_processor")) {
            definition.prefix = template.prefix
            definition.suffix = template.suffix
        } else {
            if try folder.flag("add_bos_token", default: false) {
                guard let bos = vocabulary.bosToken else {
                    throw .badField(field: "tokenizer_config.add_bos_token", reason: "there is no bos_token")
                }
                definition.prefix = [bos]
            }
            if try folder.flag("add_eos_token", default: false) {
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
