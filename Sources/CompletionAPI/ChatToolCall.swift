internal import JSON

/// A call of a tool that an assistant made.
public struct ChatToolCall: Sendable, Equatable {
    public let id: String?
    /// The function's name.
    public let name: String
    /// The function's arguments as JSON text.
    public let arguments: String

    /// A call as given; nothing is checked.
    public init(id: String?, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }

    /// The field `tool_calls` of a message.
    static func decode(_ message: inout FieldReader, role: String) throws(APIError) -> [ChatToolCall] {
        let elements = try message.array("tool_calls") ?? []
        guard elements.isEmpty || role == "assistant" else {
            throw .invalidRequest(
                "\(message.path("tool_calls")): only an assistant calls tools.", param: message.path("tool_calls"),
                code: "invalid_value")
        }
        var calls: [ChatToolCall] = []
        for (index, element) in elements.enumerated() {
            let path = "\(message.path("tool_calls"))[\(index)]"
            guard let object = element.asObject else {
                throw .invalidType(path, expected: "an object with id, type and function", given: element)
            }
            var call = FieldReader(object, prefix: path + ".")
            if let type = try call.string("type"), type != "function" {
                throw .unsupported(
                    call.path("type"), "A tool of type \(FieldReader.excerpt(.string(type)))", allowed: "\"function\"")
            }
            let id = try call.string("id")
            guard var function = try call.members("function") else {
                throw .missing(call.path("function"), "an object with name and arguments")
            }
            guard let name = try function.string("name") else { throw .missing(function.path("name"), "a string") }
            calls.append(ChatToolCall(id: id, name: name, arguments: try function.string("arguments") ?? "{}"))
        }
        return calls
    }
}
