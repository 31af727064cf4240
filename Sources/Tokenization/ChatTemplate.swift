/// A chat format by name: how the turns of a conversation become a prompt.
///
/// The formats are the published ones of their model families, for models that bring no template of their own.
public struct ChatTemplate: Sendable, Equatable {
    /// How turns are written.
    enum Format: String, Sendable, CaseIterable {
        case chatml, llama2, llama3
        /// Mistral's first tokenizer: ` [INST] question [/INST] answer`.
        case mistralV1 = "mistral-v1"
        /// The same without a space before an instruction or an answer.
        case mistralV1Plain = "mistral-v1-plain"
        /// Third tokenizer, where `[INST]` is a token: `[INST] question[/INST] answer`.
        case mistralV3 = "mistral"
        /// Without any spaces (Nemo and later).
        case mistralTekken = "mistral-tekken"
        case gemma, phi3, zephyr
        /// "User:" and "Assistant:" on lines of their own, for models without control tokens. Nothing keeps a message
        /// from imitating a turn.
        case plain
    }

    /// What a prompt begins with.
    enum Beginning: Sendable, Equatable {
        case bos, nothing
        /// BOS if the tokenizer puts it before every text.
        case modelPrefix
    }

    let format: Format
    let beginning: Beginning

    init(_ format: Format, beginning: Beginning) {
        self.format = format
        self.beginning = beginning
    }

    /// Names that `named(_:)` knows.
    public static var names: [String] { Format.allCases.map(\.rawValue) }

    /// The format's name.
    public var name: String { format.rawValue }

    /// "User:" and "Assistant:" on lines of their own.
    public static let plain = ChatTemplate(.plain, beginning: .modelPrefix)

    /// A format by its name; nil for an unknown one.
    public static func named(_ name: String) -> ChatTemplate? {
        guard let format = Format(rawValue: name) else { return nil }
        switch format {
        case .llama2, .llama3, .mistralV1, .mistralV1Plain, .mistralV3, .mistralTekken, .gemma:
            return ChatTemplate(format, beginning: .bos)
        case .chatml, .phi3, .zephyr, .plain:
            return ChatTemplate(format, beginning: .modelPrefix)
        }
    }
}
