public import Generation
public import JSON

/// A validated body of `POST /v1/chat/completions`.
public struct ChatRequest: Sendable, Equatable {
    /// Nil when absent: a server with one model needs no name.
    public let model: String?
    /// At least one.
    public let messages: [ChatTurn]
    /// What the assistant may call, as the client described it; empty with `tool_choice: "none"`. The prompt shows it,
    /// the answer is text.
    public let tools: [JSONValue]
    /// Values for the model's chat template (`chat_template_kwargs`).
    public let templateValues: JSONObject
    /// Everything but the prompt. `stop.maxTokens` is nil when the request sets no limit.
    public let template: GenerationRequest
    /// Nil when absent: the server then picks a seed.
    public let seed: Int?
    /// Nil when the answer is not streamed.
    public let stream: StreamOptions?
    /// The session that this is a turn of.
    public let session: SessionReference
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
        tools = try Self.tools(&reader)
        templateValues = try reader.members("chat_template_kwargs")?.object ?? JSONObject()
        stream = try StreamOptions.decode(&reader)
        session = try SessionReference(decoding: &reader)
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
        if let functions = try reader.array("functions"), !functions.isEmpty {
            throw .unsupported("functions", "Calling tools (functions)")
        }
        for key in ["tool_choice", "function_call"] {
            guard let choice = reader.value(key) else { continue }
            guard let name = choice.asString, ["none", "auto"].contains(name) else {
                throw .unsupported(
                    key, "Calling a certain tool (\(key) \(FieldReader.excerpt(choice)))",
                    allowed: "\"none\" and \"auto\"")
            }
        }
        try AnswerConstraints.refuse(&reader)
        for (index, modality) in (try reader.array("modalities") ?? []).enumerated() where modality != "text" {
            throw .unsupported(
                "modalities[\(index)]", "The modality \(FieldReader.excerpt(modality))", allowed: "\"text\"")
        }
        if reader.value("audio") != nil { throw .unsupported("audio", "Audio") }
    }

    /// The field `tools`: functions only, each with a name.
    private static func tools(_ reader: inout FieldReader) throws(APIError) -> [JSONValue] {
        let tools = try reader.array("tools") ?? []
        for (index, tool) in tools.enumerated() {
            let path = "tools[\(index)]"
            guard let object = tool.asObject else {
                throw .invalidType(path, expected: "an object with type and function", given: tool)
            }
            var fields = FieldReader(object, prefix: path + ".")
            guard let type = try fields.string("type") else { throw .missing(fields.path("type"), "\"function\"") }
            guard type == "function" else {
                throw .unsupported(
                    fields.path("type"), "A tool of type \(FieldReader.excerpt(.string(type)))",
                    allowed: "\"function\"")
            }
            guard var function = try fields.members("function") else {
                throw .missing(fields.path("function"), "an object with name and parameters")
            }
            guard try function.string("name") != nil else { throw .missing(function.path("name"), "a string") }
            _ = try function.string("description")
            _ = try function.members("parameters")
        }
        return reader.value("tool_choice")?.asString == "none" ? [] : tools
    }
}
