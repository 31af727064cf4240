internal import CompletionAPI
internal import JSON
internal import Templates
internal import Tokenization

/// How a model's conversations become prompts: by its own template, by one from a file, or by a named format.
struct ChatFormat: Sendable {
    /// What writes the prompt.
    private enum Kind: Sendable {
        /// `tools` writes conversations with tools, where the format has a place for them.
        case named(ChatTemplate, tools: ModelTemplates?)
        case templates(ModelTemplates, parsesArguments: Bool)
        case unreadable(reason: String)
    }

    private let kind: Kind
    /// How the program speaks of it.
    let name: String

    /// A named format.
    private init(named template: ChatTemplate, _ stored: StoredTemplates) {
        let text = BuiltInToolTemplates.text(format: template.name)
        let tools = text.flatMap { try? ModelTemplates(text: $0, toolText: nil, specialTokens: stored.specialTokens) }
        self.init(.named(template, tools: tools), name: template.name)
    }

    /// What was asked for, a name or a file that ends in `.jinja`; else the model's own template, else `plain`.
    /// A template of the model's own that cannot be read is no error yet: `fault` tells.
    init(asked: String?, stored: StoredTemplates) throws(ChatFormatError) {
        if let asked, let template = ChatTemplate.named(asked) {
            self.init(named: template, stored)
        } else if let asked {
            let text = try Self.text(ofFile: asked)
            do throws(TemplateError) {
                let templates = try ModelTemplates(text: text, toolText: nil, specialTokens: stored.specialTokens)
                self.init(Self.kind(templates), name: asked)
            } catch {
                throw .badTemplateFile(path: asked, reason: error.description)
            }
        } else if let text = stored.text {
            self.init(Self.kind(text, stored), name: "the model's own template")
        } else {
            self.init(named: .plain, stored)
        }
    }

    private init(_ kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    private static func kind(_ text: String, _ stored: StoredTemplates) -> Kind {
        do throws(TemplateError) {
            return kind(try ModelTemplates(text: text, toolText: stored.toolText, specialTokens: stored.specialTokens))
        } catch {
            return .unreadable(reason: error.description)
        }
    }

    private static func kind(_ templates: ModelTemplates) -> Kind {
        .templates(templates, parsesArguments: templates.takesArgumentObjects)
    }

    /// A template file's text.
    static func text(ofFile path: String) throws(ChatFormatError) -> String {
        do throws(TextFileError) {
            return try TextFile.read(path, limit: 4 << 20)
        } catch {
            throw .unreadableFile(path: path, reason: error.reason)
        }
    }

    /// Why the model's own template cannot be used; nil for a format that can.
    var fault: String? {
        if case .unreadable(let reason) = kind { reason } else { nil }
    }

    /// Why the template fails with the shortest of conversations, where that is not its own refusal: such a template
    /// is likely to fail with all of them.
    var trialFault: String? {
        guard case .templates(let templates, _) = kind else { return nil }
        do throws(TemplateError) {
            _ = try templates.render(Conversation(messages: [["role": "user", "content": "Hello"]]))
            return nil
        } catch {
            if case .raised = error { return nil }
            return error.description
        }
    }

    /// Texts that end the assistant's turn where no control token can: a model without chat tokens goes on with
    /// the next turn.
    var stops: [String] {
        if case .named(.plain, _) = kind { ["\nUser:", "\nAssistant:"] } else { [] }
    }

    /// The prompt of a request up to the point where the assistant speaks.
    func pieces(_ request: ChatRequest, _ controlTokens: ControlTokenFinder) throws -> [ChatPiece] {
        switch kind {
        case .unreadable(let reason): throw ChatFormatError.unreadableTemplate(reason: reason)
        case .named(let template, let tools):
            let hasTools = !request.tools.isEmpty || request.messages.contains { !$0.toolCalls.isEmpty }
            if hasTools {
                guard let tools else { throw ChatFormatError.noTools(format: name) }
                let conversation = Conversation(request, parsesArguments: true, parsesResults: true)
                return try pieces(tools, conversation, controlTokens)
            }
            let messages = request.messages.map { ChatMessage(role: $0.role, content: $0.content) }
            return try template.render(messages, addGenerationPrompt: true)
        case .templates(let templates, let parsesArguments):
            for reserved in ["messages", "tools"] where request.templateValues[reserved] != nil {
                throw ChatFormatError.reservedName(reserved)
            }
            return try pieces(templates, Conversation(request, parsesArguments: parsesArguments), controlTokens)
        }
    }

    private func pieces(
        _ templates: ModelTemplates, _ conversation: Conversation, _ controlTokens: ControlTokenFinder
    ) throws(ChatFormatError) -> [ChatPiece] {
        do throws(TemplateError) {
            return Self.pieces(try templates.render(conversation), controlTokens)
        } catch {
            throw .failed(reason: error.description)
        }
    }

    /// Control tokens are found in the template's own text alone.
    static func pieces(_ spans: [TemplateSpan], _ controlTokens: ControlTokenFinder) -> [ChatPiece] {
        spans.flatMap { $0.isSent ? [.text($0.text)] : controlTokens.pieces(of: $0.text) }
    }
}
