public import Generation
internal import JSON

/// A validated body of `POST /v1/chat/completions`.
public struct ChatRequest: Sendable, Equatable {
    /// Nil when absent: a server with one model needs no name.
    public let model: String?
    /// At least one.
    public let messages: [ChatTurn]
    /// Everything but the prompt. `stop.maxTokens` is nil when the request sets no limit.
    public let template: GenerationRequest
    /// Nil when absent: the server then picks a seed.
    public let seed: Int?
    /// Nil when the answer is not streamed.
    public let stream: StreamOptions?
    /// The client's name for its end user; has no effect.
    public let user: String?
    /// Names of fields that have no meaning here. They are ignored.
    public let unknownFields: [String]

    /// Parses and validates.
    public init(body: [UInt8]) throws(APIError) {
        var reader = try FieldReader(body: body, limits: .request)
        model = try reader.string("model")
        messages = try ChatTurn.decode(&reader)
        var template = try GenerationRequest(decoding: &reader)
        seed = try reader.integer("seed", in: .min ... .max)
        try template.limit(to: Self.maxTokens(&reader))
        template.logprobs = try Self.logprobs(&reader)
        self.template = template
        try Self.refuseUnsupported(&reader)
        stream = try StreamOptions.decode(&reader)
        user = try reader.string("user")
        reader.ignore(ignoredFields)
        unknownFields = reader.unknownFields
    }

    /// `max_completion_tokens` and its older name; both may be given if they agree.
    private static func maxTokens(_ reader: inout FieldReader) throws(APIError) -> Int? {
        let range = 1...RequestBounds.tokenCount
        let older = try reader.integer("max_tokens", in: range)
        let newer = try reader.integer("max_completion_tokens", in: range)
        if let older, let newer, older != newer {
            throw .invalidRequest(
                "max_tokens (\(older)) and max_completion_tokens (\(newer)) differ: give one of them.",
                param: "max_completion_tokens", code: "invalid_value")
        }
        return newer ?? older
    }

    private static func logprobs(_ reader: inout FieldReader) throws(APIError) -> Int? {
        let isWanted = try reader.boolean("logprobs") ?? false
        let top = try reader.integer("top_logprobs", in: 0...RequestBounds.logprobs)
        guard isWanted else {
            if let top, top > 0 {
                throw .invalidRequest(
                    "top_logprobs (\(top)) is allowed only with logprobs: true.", param: "top_logprobs",
                    code: "invalid_value")
            }
            return nil
        }
        return top ?? 0
    }

    /// Features that would change the answer are refused rather than ignored; their empty forms are accepted.
    private static func refuseUnsupported(_ reader: inout FieldReader) throws(APIError) {
        for key in ["tools", "functions"] {
            if let tools = try reader.array(key), !tools.isEmpty { throw .unsupported(key, "Calling tools (\(key))") }
        }
        for key in ["tool_choice", "function_call"] {
            guard let choice = reader.value(key) else { continue }
            guard let name = choice.asString else { throw .unsupported(key, "Calling tools (\(key))") }
            guard ["none", "auto"].contains(name) else { throw .unsupported(key, "Calling tools (\(key))") }
        }
        if var format = try reader.members("response_format") {
            guard let type = try format.string("type") else {
                throw .missing("response_format.type", "the only format is \"text\"")
            }
            guard type == "text" else {
                throw .unsupported("response_format.type", "The format \(FieldReader.excerpt(.string(type)))")
            }
        }
        for (index, modality) in (try reader.array("modalities") ?? []).enumerated() where modality != "text" {
            throw .unsupported("modalities[\(index)]", "The modality \(FieldReader.excerpt(modality))")
        }
        if reader.value("audio") != nil { throw .unsupported("audio", "Audio") }
    }
}
