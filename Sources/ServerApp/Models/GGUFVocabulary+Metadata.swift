internal import ModelFiles
internal import Tokenization

extension GGUFVocabulary {
    /// The `tokenizer.ggml.*` fields of a file, or nil where it has no tokenizer.
    init?(_ metadata: GGUFMetadata) throws(ModelFileError) {
        guard let model = try metadata.stringIfPresent("tokenizer.ggml.model") else { return nil }
        self.init(model: model, tokens: try metadata.strings("tokenizer.ggml.tokens"))
        pre = try metadata.stringIfPresent("tokenizer.ggml.pre")
        scores = try metadata.floatsIfPresent("tokenizer.ggml.scores")
        types = try metadata.int32sIfPresent("tokenizer.ggml.token_type")
        merges = try metadata.stringsIfPresent("tokenizer.ggml.merges")
        bosToken = try metadata.uintIfPresent("tokenizer.ggml.bos_token_id")
        eosToken = try metadata.uintIfPresent("tokenizer.ggml.eos_token_id")
        unknownToken = try metadata.uintIfPresent("tokenizer.ggml.unknown_token_id")
        for key in ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] {
            if let token = try metadata.uintIfPresent(key) { endTokens.append(token) }
        }
        addBOS = try metadata.boolIfPresent("tokenizer.ggml.add_bos_token")
        addEOS = try metadata.boolIfPresent("tokenizer.ggml.add_eos_token")
        precompiledCharsMap = try metadata.int32sIfPresent("tokenizer.ggml.precompiled_charsmap")?.map {
            UInt8(truncatingIfNeeded: $0)
        }
        removesExtraSpaces = try metadata.boolIfPresent("tokenizer.ggml.remove_extra_whitespaces")
        classToken = try metadata.uintIfPresent("tokenizer.ggml.cls_token_id")
        separatorToken = try metadata.uintIfPresent("tokenizer.ggml.seperator_token_id")
        addSeparator = try metadata.boolIfPresent("tokenizer.ggml.add_sep_token")
        lowercases = try metadata.boolIfPresent("tokenizer.ggml.normalizer.lowercase")
        stripsAccents = try metadata.boolIfPresent("tokenizer.ggml.normalizer.strip_accents")
        addSpacePrefix = try metadata.boolIfPresent("tokenizer.ggml.add_space_prefix")
    }
}
