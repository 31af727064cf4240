internal import JSON
internal import Templates
internal import Tokenization

/// `keyhold render`: the prompt that a chat template makes of a conversation.
public struct PromptRendering: Sendable {
    /// A GGUF file, one with only a vocabulary too, or a folder with tokenizer files; the built-in model if nil.
    public var model: String?
    /// A JSON file: an array of messages, or an object with `messages` and perhaps `tools` and `chat_template_kwargs`.
    public var messages: String
    /// A JSON file with an array of tools.
    public var tools: String?
    /// A template to use in place of the model's own.
    public var template: String?
    /// Whether the prompt ends by opening the assistant's turn.
    public var addsGenerationPrompt = true
    /// What `strftime_now` shows, as `2026-01-31` or `2026-01-31T23:59:59`; now if nil.
    public var time: String?

    public init(messages: String) { self.messages = messages }

    /// Why there is no prompt.
    public enum InputError: Error, CustomStringConvertible {
        case noTemplate(path: String)
        case badFile(path: String, reason: String)
        case badTime(String)
        case template(String)

        public var description: String {
            switch self {
            case .noTemplate(let path): "\(path) has no chat template; name one with --template FILE.jinja"
            case .badFile(let path, let reason): "\(path): \(reason)"
            case .badTime(let text): "--time is '\(text)' but must be like 2026-01-31 or 2026-01-31T23:59:59"
            case .template(let reason): "the chat template: \(reason)"
            }
        }
    }

    /// The prompt's text.
    public func text() throws -> String { try spans(path: modelPath()).map(\.text).joined() }

    /// The prompt's token ids with spaces between.
    public func tokens() throws -> String {
        let path = try modelPath()
        let spans = try spans(path: path)
        let tokenizer = try TokenizerFiles(path: path).tokenizer
        let pieces = ChatFormat.pieces(spans, ControlTokenFinder(tokenizer))
        return tokenizer.encode(pieces).map(String.init).joined(separator: " ")
    }

    private func modelPath() throws -> String {
        guard let path = model ?? BuiltInModel.path() else {
            throw ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        }
        return try ModelDownload.localPath(path)
    }

    private func spans(path: String) throws -> [TemplateSpan] {
        let stored = try StoredTemplates(path: path)
        guard let text = try template.map({ try ChatFormat.text(ofFile: $0) }) ?? stored.text else {
            throw InputError.noTemplate(path: path)
        }
        let conversation = try conversation()
        let now = try time.map(Self.time) ?? .current
        do throws(TemplateError) {
            let templates = try ModelTemplates(
                text: text, toolText: template == nil ? stored.toolText : nil, specialTokens: stored.specialTokens)
            return try templates.render(conversation, now: now)
        } catch {
            throw InputError.template(error.description)
        }
    }

    private func conversation() throws -> Conversation {
        let value = try Self.json(messages)
        var conversation = Conversation(messages: value.asObject?["messages"] ?? value)
        guard conversation.messages.asArray != nil else {
            throw InputError.badFile(path: messages, reason: "must be an array of messages or an object with messages")
        }
        conversation.tools = value.asObject?["tools"]?.asArray
        conversation.values = value.asObject?["chat_template_kwargs"]?.asObject ?? JSONObject()
        conversation.addsGenerationPrompt = addsGenerationPrompt
        if let tools {
            guard let list = try Self.json(tools).asArray else {
                throw InputError.badFile(path: tools, reason: "must be an array of tools")
            }
            conversation.tools = list
        }
        return conversation
    }

    private static func json(_ path: String) throws(InputError) -> JSONValue {
        let text: String
        do throws(TextFileError) {
            text = try TextFile.read(path, limit: 64 << 20)
        } catch {
            throw .badFile(path: path, reason: error.reason)
        }
        do throws(JSONError) {
            return try JSONValue(parsing: Array(text.utf8), limits: .file)
        } catch {
            throw .badFile(path: path, reason: error.description)
        }
    }

    private static func time(_ text: String) throws(InputError) -> CivilTime {
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        let clock =
            halves.count == 2
            ? halves[1].split(separator: ":", omittingEmptySubsequences: false).map { UInt16($0) } : [0, 0, 0]
        guard halves.count <= 2, date.count == 3, clock.count == 3, let year = date[0], let month = date[1],
            let day = date[2], let hour = clock[0], let minute = clock[1], let second = clock[2],
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { throw .badTime(text) }
        return CivilTime(
            year: Int(year), month: Int(month), day: Int(day), hour: Int(hour), minute: Int(minute),
            second: Int(second))
    }
}
