public import JSON

/// A chat template in the Jinja language, read once and rendered for each conversation.
///
/// The language is that of jinja2's immutable sandbox as transformers sets it up: line breaks after block tags and
/// blanks before them are dropped, nothing is escaped for HTML, `raise_exception`, `strftime_now`, `break`, `continue`,
/// `generation` and a `tojson` that writes plain JSON are there. Lists and dicts cannot be changed, no other template
/// can be loaded, and work, output and nesting are bounded.
public struct Template: Sendable {
    private let statements: [Statement]

    /// Reads a template. Throws for a text that is none.
    public init(_ source: String) throws(TemplateError) {
        statements = try Parser.statements(of: source)
    }

    /// The text for these variables, as stretches that come from the template or from what the client sent.
    public func render(
        _ variables: TemplateVariables, now: CivilTime, limits: TemplateLimits = TemplateLimits()
    ) throws(TemplateError) -> [TemplateSpan] {
        let renderer = Renderer(limits: limits, now: now)
        return TemplateSpan.spans(of: try renderer.render(statements, variables.values))
    }
}

/// A stretch of rendered text.
public struct TemplateSpan: Sendable, Equatable {
    public var text: String
    /// Whether the client sent it. Nothing in such a text is a control token.
    public var isSent: Bool

    public init(text: String, isSent: Bool) {
        self.text = text
        self.isSent = isSent
    }

    static func spans(of text: Text) -> [TemplateSpan] {
        var spans: [TemplateSpan] = []
        var start = 0
        while start < text.count {
            let origin = text.units[start] & Text.sent
            var end = start + 1
            while end < text.count, text.units[end] & Text.sent == origin { end += 1 }
            spans.append(TemplateSpan(text: Text(units: text.units[start..<end]).string, isSent: origin != 0))
            start = end
        }
        return spans
    }
}

/// What a template sees by name.
public struct TemplateVariables: Sendable {
    private var members: [(name: String, value: JSONValue, source: Source)] = []

    /// Where a value comes from.
    private enum Source { case template, client, messages }

    public init() {}

    /// A value of the model's files or of the server, such as `bos_token`.
    public mutating func set(_ name: String, _ value: JSONValue) { members.append((name, value, .template)) }

    /// A value that the client sent: its texts are never control tokens.
    public mutating func set(sent name: String, _ value: JSONValue) { members.append((name, value, .client)) }

    /// The messages of a conversation. The same holds for their texts, but not for roles that are plain names:
    /// templates make control tokens of them.
    public mutating func set(messages: JSONValue) { members.append(("messages", messages, .messages)) }

    var values: [(String, Value)] {
        members.map { member in
            switch member.source {
            case .template: (member.name, Value(member.value, isSent: false))
            case .client: (member.name, Value(member.value, isSent: true))
            case .messages: (member.name, Value(messages: member.value))
            }
        }
    }
}
