internal import Generation

extension GGUFVocabulary {
    /// Completes the definition of a "bert" file: its tokens begin words with U+2581 and continue them with nothing.
    /// Where the file does not name them, [CLS], [SEP] and [UNK] have BERT's ids.
    func wordPiece(_ definition: TokenizerDefinition) throws(TokenizerError) -> TokenizerDefinition {
        var definition = definition
        let marks = WordPieceMarks(beginning: TokenSpelling.spaceMark, continuation: [])
        definition.algorithm = .wordPiece(WordPieceRules(marks: marks))
        definition.spelling = .wordPiece(marks, cleansUp: true)
        definition.normalizer = [
            .bert(BertNormalizer(stripsAccents: stripsAccents ?? true, lowercases: lowercases ?? true))
        ]
        definition.preTokenizer = try PreTokenizerPatterns.bert()
        definition.addsLeadingSpace = true
        let (bosField, separatorField) = ("tokenizer.ggml.bos_token_id", "tokenizer.ggml.seperator_token_id")
        definition.vocabulary.bosToken = try token(bosToken ?? classToken ?? 101, bosField)
        definition.vocabulary.eosToken = try token(separatorToken ?? eosToken ?? 102, separatorField)
        let unknownField = "tokenizer.ggml.unknown_token_id"
        definition.vocabulary.unknownToken = try token(unknownToken ?? 100, unknownField)
        if let unknown = definition.vocabulary.unknownToken {
            guard unknown != definition.vocabulary.bosToken, unknown != definition.vocabulary.eosToken else {
                throw .badField(field: unknownField, reason: "\(unknown) begins or ends texts")
            }
            // Files list it as a control token, which no user text may become.
            definition.vocabulary.types[Int(unknown)] = .unknown
        }
        definition.vocabulary.collectEndTokens()
        definition.vocabulary.addBOS = addBOS ?? true
        definition.vocabulary.addEOS = addSeparator ?? true
        definition.addedTokens = Self.addedTokens(of: definition.vocabulary)
        if definition.vocabulary.addBOS, let first = definition.vocabulary.bosToken { definition.prefix = [first] }
        if definition.vocabulary.addEOS, let last = definition.vocabulary.eosToken { definition.suffix = [last] }
        return definition
    }
}
