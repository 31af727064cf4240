internal import Foundation
internal import JSON
internal import Templates

/// Templates that were read, ready to render.
struct ModelTemplates: Sendable {
    private let template: Template
    private let toolTemplate: Template?
    private let specialTokens: [(name: String, value: JSONValue)]

    /// `text` is the template for conversations, `toolText` the one for those with tools, if another.
    init(
        text: String, toolText: String?, specialTokens: [(name: String, value: JSONValue)]
    ) throws(TemplateError) {
        template = try Template(text)
        toolTemplate = try toolText.map { (text) throws(TemplateError) in try Template(text) }
        self.specialTokens = specialTokens
    }

    /// The prompt's text, each stretch with where it comes from. `now` is what `strftime_now` shows.
    func render(_ conversation: Conversation, now: CivilTime = .current) throws(TemplateError) -> [TemplateSpan] {
        var variables = TemplateVariables()
        for (name, value) in specialTokens { variables.set(name, value) }
        variables.set("documents", .null)
        variables.set("add_generation_prompt", .bool(conversation.addsGenerationPrompt))
        for (name, value) in conversation.values { variables.set(sent: name, value) }
        variables.set(messages: conversation.messages)
        variables.set(sent: "tools", conversation.tools.map { .array($0) } ?? .null)
        let template = conversation.tools == nil ? template : toolTemplate ?? template
        return try template.render(variables, now: now)
    }

    /// Some templates call what they wrote safe HTML, and Jinja then escapes what they add to it.
    private static let escapedQuote = "&#34;"

    /// Whether the template writes the arguments of a tool's call as JSON when they are an object, rather than when
    /// they are JSON text already. Templates of both kinds are about; a rendering of each shows which one this is.
    var takesArgumentObjects: Bool {
        writesArguments(["argument_probe": "value"]) || !writesArguments("{\"argument_probe\": \"value\"}")
    }

    private func writesArguments(_ arguments: JSONValue) -> Bool {
        for content in [JSONValue.null, ""] {
            let call: JSONValue = [
                "id": "call00001", "type": "function", "function": ["name": "probe", "arguments": arguments],
            ]
            let messages: JSONValue = [
                ["role": "user", "content": "Hello"], ["role": "assistant", "content": content, "tool_calls": [call]],
            ]
            guard let spans = try? render(Conversation(messages: messages)) else { continue }
            let text = spans.map(\.text).joined()
            if text.contains("\"argument_probe\":"), !text.contains(Self.escapedQuote) { return true }
        }
        return false
    }
}

extension CivilTime {
    /// This moment in the machine's time zone.
    static var current: CivilTime {
        CivilTime(secondsSince1970: WallClock.secondsSince1970(), offset: TimeZone.current.secondsFromGMT())
    }
}
