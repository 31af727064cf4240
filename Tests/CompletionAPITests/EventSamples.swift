import Generation

/// Text bytes of a vocabulary of ten entries; 5 and 6 are the halves of "é".
let vocabulary: [[UInt8]] =
    [Array("<s>".utf8), Array(" Once".utf8), Array(" upon".utf8), Array(" a".utf8), Array(" \"time\"\n".utf8)]
    + [[0xC3], [0xA9], Array("<|end|>".utf8), Array(" Once".utf8), []]

/// The text of a token id; ids outside the vocabulary have none.
@Sendable func tokenBytes(_ token: TokenID) -> [UInt8] {
    vocabulary.indices.contains(Int(token)) ? vocabulary[Int(token)] : []
}

extension ReportedToken {
    /// A token of `vocabulary` with its logprob and alternatives.
    init(_ token: TokenID, _ chosen: Double?, top: [TokenLogprob] = []) {
        self.init(token: token, bytes: tokenBytes(token), logprobs: TokenLogprobs(chosen: chosen, top: top))
    }
}

extension GenerationUsage {
    /// Round numbers that are easy to follow through sums.
    static func sample(promptTokens: Int, completionTokens: Int, retained: Int) -> GenerationUsage {
        GenerationUsage(
            promptTokens: promptTokens, completionTokens: completionTokens,
            cache: KVCacheUsage(
                policy: "keyformer", budgetTokens: 8, budgetBytes: 1000, promptTokensRetained: retained, peakTokens: 12,
                peakBytes: 1500, evictedTokens: 4),
            queueSeconds: 0, prefillSeconds: 0.5, decodeSeconds: 1, byteSeconds: 0.25)
    }
}
