internal import CompletionAPI
internal import JSON

/// A conversation as templates see it.
struct Conversation: Sendable {
    /// An array of objects with `role` and `content`.
    var messages: JSONValue
    /// What the assistant may call; nil where the conversation does not speak of tools.
    var tools: [JSONValue]?
    /// More values by name.
    var values = JSONObject()
    /// Whether the prompt ends by opening the assistant's turn.
    var addsGenerationPrompt = true

    init(messages: JSONValue) { self.messages = messages }

    /// Of a request. `parsesArguments`: the arguments of calls are objects for the template, not JSON text.
    /// `parsesResults`: what tools answered is the value for which it is JSON.
    init(_ request: ChatRequest, parsesArguments: Bool, parsesResults: Bool = false) {
        messages = .array(
            request.messages.map { turn in
                var message = Self.message(turn, parsesArguments)
                if parsesResults, turn.role == "tool",
                    let value = try? JSONValue(parsing: Array(turn.content.utf8), limits: .request)
                {
                    message["content"] = value
                }
                return .object(message)
            })
        tools = request.tools.isEmpty ? nil : request.tools
        values = request.templateValues
    }

    private static func message(_ turn: ChatTurn, _ parsesArguments: Bool) -> JSONObject {
        var message = JSONObject()
        message["role"] = .string(turn.role)
        // Templates tell an assistant that only calls tools from one that says nothing.
        message["content"] = turn.hasContent || turn.toolCalls.isEmpty ? .string(turn.content) : .null
        message["name"] = turn.name.map { .string($0) }
        message["reasoning_content"] = turn.reasoning.map { .string($0) }
        message["tool_call_id"] = turn.toolCallID.map { .string($0) }
        guard !turn.toolCalls.isEmpty else { return message }
        message["tool_calls"] = .array(
            turn.toolCalls.map { call in
                var object = JSONObject()
                object["id"] = call.id.map { .string($0) }
                object["type"] = "function"
                object["function"] = ["name": .string(call.name), "arguments": arguments(call, parsesArguments)]
                return .object(object)
            })
        return message
    }

    /// Arguments that are no JSON object stay text.
    private static func arguments(_ call: ChatToolCall, _ isParsed: Bool) -> JSONValue {
        guard isParsed, let value = try? JSONValue(parsing: Array(call.arguments.utf8), limits: .request),
            value.asObject != nil
        else { return .string(call.arguments) }
        return value
    }
}
