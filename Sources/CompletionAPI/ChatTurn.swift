internal import JSON

/// One message of a conversation, its content as one text.
public struct ChatTurn: Sendable, Equatable {
    /// `system`, `user`, `assistant` or `tool`. The role `developer` is the newer name of `system` and read as that.
    public let role: String
    /// Several text parts are joined by a newline. An assistant's null content is the empty text.
    public let content: String
    /// False where an assistant's content is null or absent.
    public let hasContent: Bool
    /// Name of the participant, for templates that show it.
    public let name: String?
    /// The calls that an assistant made.
    public let toolCalls: [ChatToolCall]
    /// The call that a tool's message answers.
    public let toolCallID: String?
    /// What an assistant thought before it spoke, for templates that show it.
    public let reasoning: String?

    /// A turn as given; nothing is checked.
    public init(
        role: String, content: String, name: String?, hasContent: Bool = true, toolCalls: [ChatToolCall] = [],
        toolCallID: String? = nil, reasoning: String? = nil
    ) {
        self.role = role
        self.content = content
        self.name = name
        self.hasContent = hasContent
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.reasoning = reasoning
    }

    private static let roles = ["system", "developer", "user", "assistant", "tool"]

    /// The field `messages`.
    static func decode(_ reader: inout FieldReader) throws(APIError) -> [ChatTurn] {
        guard let elements = try reader.array("messages") else { throw .missing("messages", "an array of messages") }
        guard !elements.isEmpty else {
            throw .invalidRequest("messages must not be empty.", param: "messages", code: "invalid_value")
        }
        var turns: [ChatTurn] = []
        turns.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let path = "messages[\(index)]"
            guard let object = element.asObject else {
                throw .invalidType(path, expected: "an object with role and content", given: element)
            }
            var fields = FieldReader(object, prefix: path + ".")
            turns.append(try ChatTurn(decoding: &fields))
        }
        return turns
    }

    private init(decoding fields: inout FieldReader) throws(APIError) {
        guard let role = try fields.string("role") else {
            throw .missing(fields.path("role"), "one of \(Self.roles.joined(separator: ", "))")
        }
        guard Self.roles.contains(role) else {
            let rule = "one of \(Self.roles.joined(separator: ", "))"
            throw .invalidValue(fields.path("role"), rule, given: .string(role))
        }
        for key in ["function_call", "audio"] {
            guard fields.value(key) != nil else { continue }
            throw .unsupported(fields.path(key), "A message's \(key)")
        }
        self.role = role == "developer" ? "system" : role
        self.toolCalls = try ChatToolCall.decode(&fields, role: role)
        let content = try Self.content(&fields, role: role)
        self.content = content ?? ""
        self.hasContent = content != nil
        self.name = try fields.string("name")
        self.toolCallID = try fields.string("tool_call_id")
        self.reasoning = try fields.string("reasoning_content")
    }

    private static func content(_ fields: inout FieldReader, role: String) throws(APIError) -> String? {
        let path = fields.path("content")
        guard let value = fields.value("content") else {
            if role == "assistant" { return nil }
            throw .missing(path, "a string or an array of text parts")
        }
        if let text = value.asString { return text }
        guard let parts = value.asArray else {
            throw .invalidType(path, expected: "a string or an array of text parts", given: value)
        }
        guard !parts.isEmpty else {
            throw .invalidRequest("\(path) must have at least one part.", param: path, code: "invalid_value")
        }
        var texts: [String] = []
        for (index, part) in parts.enumerated() { texts.append(try text(of: part, path: "\(path)[\(index)]")) }
        return texts.joined(separator: "\n")
    }

    private static func text(of part: JSONValue, path: String) throws(APIError) -> String {
        guard let object = part.asObject else {
            throw .invalidType(path, expected: "an object with type and text", given: part)
        }
        var fields = FieldReader(object, prefix: path + ".")
        guard let type = try fields.string("type") else { throw .missing(fields.path("type"), "\"text\"") }
        guard type == "text" else {
            throw .unsupported(
                fields.path("type"), "A content part of type \(FieldReader.excerpt(.string(type)))",
                allowed: "\"text\"")
        }
        guard let text = try fields.string("text") else { throw .missing(fields.path("text"), "a string") }
        return text
    }
}
