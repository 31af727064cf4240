internal import Generation
public import JSON

extension Tokenizer {
    /// A tokenizer from SentencePiece's own file, `tokenizer.model` (BPE or unigram), and from what the folder's
    /// `tokenizer_config.json` and `generation_config.json` add to it: more tokens, BOS and EOS.
    public convenience init(
        sentencePieceModel bytes: [UInt8], tokenizerConfig: JSONObject?, generationConfig: JSONObject?
    ) throws(TokenizerError) {
        let file = try SentencePieceFile(bytes)
        let folder = TokenizerFolderFields(config: tokenizerConfig, generation: generationConfig)
        try self.init(try file.definition(folder))
    }
}

extension SentencePieceFile {
    /// Texts begin with BOS and end with EOS as the folder says; without that, BPE models (Llama) have BOS and unigram
    /// models (T5) EOS.
    fileprivate func definition(_ folder: TokenizerFolderFields) throws(TokenizerError) -> TokenizerDefinition {
        var vocabulary = Vocabulary(tokens: tokens, types: types)
        if kind == .merging { vocabulary.scores = scores }
        vocabulary.unknownToken = types.firstIndex(of: .unknown).flatMap { TokenID(exactly: $0) }
        func control(_ text: [UInt8]) -> TokenID? {
            tokens.indices.first { types[$0] == .control && tokens[$0] == text }.flatMap { TokenID(exactly: $0) }
        }
        vocabulary.bosToken = control(bosText)
        vocabulary.eosToken = control(eosText)
        let added = try folder.addedTokens(idLimit: tokens.count + TokenizerFolderFields.mostAddedTokens)
        try vocabulary.append(added)
        if vocabulary.scores != nil {
            vocabulary.scores? += [Float](repeating: 0, count: vocabulary.tokens.count - tokens.count)
        }
        try folder.setIDs(&vocabulary)
        vocabulary.addBOS = try folder.flag("add_bos_token", default: kind == .merging) && vocabulary.bosToken != nil
        vocabulary.addEOS = try folder.flag("add_eos_token", default: kind == .unigram) && vocabulary.eosToken != nil
        vocabulary.addSpacePrefix = normalizer.addsDummySpace
        var definition = TokenizerDefinition(
            vocabulary: vocabulary, symbols: .characters(usesByteTokens: usesByteTokens), spelling: .sentencePieceFile)
        if kind == .unigram {
            let scores = scores.map(Double.init)
            let rest = [Double](repeating: -.infinity, count: vocabulary.tokens.count - tokens.count)
            definition.algorithm = .unigram(UnigramRules(scores: scores + rest, usesByteTokens: usesByteTokens))
        }
        definition.fusesUnknown = true
        setMatching(&definition, added)
        definition.addsLeadingSpace = normalizer.addsDummySpace && !normalizer.marksWordEnds
        definition.stripsEveryLeadingSpace = normalizer.removesExtraSpaces
        if vocabulary.addBOS, let bos = vocabulary.bosToken { definition.prefix = [bos] }
        if vocabulary.addEOS, let eos = vocabulary.eosToken { definition.suffix = [eos] }
        return definition
    }

    /// Control tokens are matched in raw text. User-defined ones survive normalising as they are; merging then leaves
    /// them whole, while a unigram model weighs them like any other.
    private func setMatching(_ definition: inout TokenizerDefinition, _ added: [AddedToken]) {
        var normalizer = normalizer
        normalizer.kept = tokens.indices.filter { types[$0] == .userDefined }.map { tokens[$0] }
        definition.normalizer = [.sentencePiece(normalizer)]
        definition.addedTextIsNormalized = true
        let addedIDs = Set(added.map(\.id))
        for id in tokens.indices where !addedIDs.contains(TokenID(id)) {
            switch types[id] {
            case .control, .unknown:
                definition.addedTokens.append(AddedToken(id: TokenID(id), text: tokens[id], isSpecial: true))
            case .userDefined where kind == .merging:
                definition.addedTokens.append(
                    AddedToken(id: TokenID(id), text: tokens[id], isSpecial: false, isNormalized: true))
            default: break
            }
        }
        definition.addedTokens += added.map { token in
            // Beyond the file's own tokens matching happens before SentencePiece sees the text.
            var token = token
            token.isNormalized = false
            return token
        }
    }
}
