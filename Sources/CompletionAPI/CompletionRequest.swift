public import Generation
internal import JSON

/// One prompt of `POST /v1/completions`.
public enum PromptInput: Sendable, Equatable {
    /// Text to be tokenized.
    case text(String)
    /// Token ids, at least 0; check them against the vocabulary with `checked(tokens:vocabularySize:param:)`.
    case tokens([Int])
}

/// A validated body of `POST /v1/completions`.
public struct CompletionRequest: Sendable, Equatable {
    /// Nil when absent: a server with one model needs no name.
    public let model: String?
    /// At least one, none of them empty.
    public let prompts: [PromptInput]
    /// Everything but the prompt.
    public let template: GenerationRequest
    /// Nil when absent: the server then picks a seed.
    public let seed: Int?
    /// The answer starts with the prompt.
    public let echo: Bool
    /// Nil when the answer is not streamed.
    public let stream: StreamOptions?
    /// The session that this is a turn of.
    public let session: SessionReference
    /// The client's name for its end user; has no effect.
    public let user: String?
    /// Names of fields that have no meaning here. They are ignored.
    public let unknownFields: [String]
    /// Prompts came as an array of arrays or strings, so that `param` needs their index.
    private let hasSeveralPrompts: Bool

    /// Most tokens to generate where the request does not say.
    public static let defaultMaxTokens = 16

    /// Parses and validates.
    public init(body: [UInt8]) throws(APIError) {
        var reader = try FieldReader(body: body, limits: .request)
        model = try reader.string("model")
        (prompts, hasSeveralPrompts) = try PromptInput.decode(&reader)
        var template = try GenerationRequest(decoding: &reader)
        seed = try reader.integer("seed", in: .min ... .max)
        echo = try reader.boolean("echo") ?? false
        try Self.decodeLimits(of: &template, echo: echo, &reader)
        guard prompts.count * template.choices <= RequestBounds.sequences else {
            throw .invalidRequest(
                "\(prompts.count) prompts with \(template.choices) choices each are too many: at most "
                    + "\(RequestBounds.sequences) sequences are allowed.", param: "prompt", code: "invalid_value")
        }
        self.template = template
        try AnswerConstraints.refuse(&reader)
        stream = try StreamOptions.decode(&reader)
        session = try SessionReference(decoding: &reader)
        user = try reader.string("user")
        reader.ignore(ignoredFields)
        unknownFields = reader.unknownFields
    }

    /// The `param` of a prompt.
    public func param(ofPrompt index: Int) -> String { hasSeveralPrompts ? "prompt[\(index)]" : "prompt" }

    private static func decodeLimits(
        of template: inout GenerationRequest, echo: Bool, _ reader: inout FieldReader
    ) throws(APIError) {
        let maxTokens = try reader.integer("max_tokens", in: 0...RequestBounds.tokenCount) ?? defaultMaxTokens
        guard maxTokens > 0 || echo else {
            throw .invalidValue("max_tokens", "at least 1 unless echo is true", given: .integer(maxTokens))
        }
        try template.limit(to: maxTokens)
        template.logprobs = try reader.integer("logprobs", in: 0...RequestBounds.logprobs)
        template.promptLogprobs = echo && template.logprobs != nil
        if let bestOf = try reader.integer("best_of", in: 0...128), bestOf != template.choices {
            throw .invalidValue("best_of", "equal to n (\(template.choices)) or absent", given: .integer(bestOf))
        }
        if reader.value("suffix") != nil { throw .unsupported("suffix", "Text after the insertion (suffix)") }
    }
}

/// Fields of the OpenAI contract that are accepted without effect.
let ignoredFields = [
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls",
]
