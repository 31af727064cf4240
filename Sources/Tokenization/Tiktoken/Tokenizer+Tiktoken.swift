internal import Generation
public import JSON

extension Tokenizer {
    /// A tokenizer from a rank file (`*.tiktoken`, or Llama 3's `tokenizer.model`). Such a file has neither splitting
    /// patterns nor control tokens: the family that its size tells has them, or `pre` names the patterns and the
    /// folder's `tokenizer_config.json` the tokens.
    public convenience init(
        tiktokenRanks bytes: [UInt8], pre: String?, tokenizerConfig: JSONObject?, generationConfig: JSONObject?
    ) throws(TokenizerError) {
        let folder = TokenizerFolderFields(config: tokenizerConfig, generation: generationConfig)
        try self.init(try TiktokenRanks(bytes).definition(pre: pre, folder))
    }
}

extension TiktokenRanks {
    func definition(pre: String?, _ folder: TokenizerFolderFields) throws(TokenizerError) -> TokenizerDefinition {
        let family = try TiktokenFamily.family(rankCount: count, pre: pre)
        var vocabulary = Vocabulary(
            tokens: tokens.map { ByteAlphabet.spell($0) }, types: tokens.map { $0.isEmpty ? .unused : .normal })
        vocabulary.merges = mergeRules()
        var added = try folder.addedTokens(idLimit: tokens.count + TokenizerFolderFields.mostAddedTokens)
        if added.isEmpty {
            for (place, text) in family.specials.enumerated() {
                guard let text, let id = TokenID(exactly: tokens.count + place) else { continue }
                added.append(AddedToken(id: id, text: Array(text.utf8), isSpecial: true))
            }
        }
        try vocabulary.append(added)
        if let bos = family.bos { vocabulary.bosToken = added.first { $0.text == Array(bos.utf8) }?.id }
        try folder.setIDs(&vocabulary)
        vocabulary.addBOS = try folder.flag("add_bos_token", default: family.bos != nil) && vocabulary.bosToken != nil
        var definition = TokenizerDefinition(vocabulary: vocabulary, symbols: .bytes, spelling: .byteLevel)
        definition.ranksAreTokens = true
        definition.wholeWords = .all
        definition.preTokenizer = try PreTokenizerPatterns.steps(named: family.pre)
        if family.composes { definition.normalizer = [.form(.composed)] }
        definition.addedTokens = added.map { token in
            var token = token
            token.isNormalized = false
            return token
        }
        if vocabulary.addBOS, let bos = vocabulary.bosToken { definition.prefix = [bos] }
        return definition
    }

    /// Every way to put a token together from two others; the merged token's rank decides.
    private func mergeRules() -> [MergeRule] {
        var index: [[UInt8]: TokenID] = [:]
        index.reserveCapacity(tokens.count)
        for (rank, token) in tokens.enumerated() where !token.isEmpty { index[token] = TokenID(rank) }
        var rules: [MergeRule] = []
        for (rank, token) in tokens.enumerated() where token.count > 1 {
            for border in 1..<token.count {
                guard let left = index[Array(token[..<border])], let right = index[Array(token[border...])] else {
                    continue
                }
                rules.append(MergeRule(left: left, right: right, merged: TokenID(rank)))
            }
        }
        return rules
    }
}
