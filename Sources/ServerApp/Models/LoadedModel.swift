internal import CompletionAPI
internal import Decoding
internal import Generation
internal import KVCaching
internal import Kernels
internal import Tokenization

/// A model ready to serve: weights, tokenizer and chat format. Immutable and shared.
struct LoadedModel: Sendable {
    /// Name in the API.
    let name: String
    let decoder: DecoderModel
    let tokenizer: Tokenizer
    let chat: ChatFormat
    let controlTokens: ControlTokenFinder
    /// Most tokens of prompt and answer together.
    let contextTokens: Int
    /// What the weights are stored as, most bytes first.
    let weightTypes: [String]
    let created = WallClock.secondsSince1970()

    var vocabularySize: Int { decoder.configuration.vocabularySize }

    /// `system_fingerprint`: the program and the model that answered.
    var fingerprint: String { "\(ProductVersion.text.replacing(" ", with: "-"))-\(name)" }

    /// Token ids of a conversation up to the point where the assistant speaks. Throws `ChatFormatError` or
    /// `ChatTemplateError`, or `TooManyTokens` for one that is much too long for the context.
    func chatTokens(_ request: ChatRequest) throws -> [TokenID] {
        try tokenizer.encode(try chat.pieces(request, controlTokens), limit: contextTokens)
    }

    /// What the API calls `kv_bytes_per_token`.
    var kvBytesPerToken: Int { decoder.configuration.cacheShape.unprunedTokenBytes(storage: .f16) }
}
