/// A chat format by name: how the turns of a conversation become a prompt.
///
/// The formats are the published ones of their model families; a model file's own Jinja text is only recognised
/// (`detect(inTemplateText:)`), not run.
public struct ChatTemplate: Sendable, Equatable {
    /// How turns are written.
    enum Format: String, Sendable, CaseIterable {
        case chatml, llama2, llama3
        /// Mistral, first generation of the tokenizer: spaces on both sides of the instruction.
        case mistralV1 = "mistral-v1"
        /// Third generation: `[INST]` is a token.
        case mistralV3 = "mistral"
        /// The same without spaces (Nemo and later).
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

    /// A format by its name; nil for an unknown one.
    public static func named(_ name: String) -> ChatTemplate? {
        guard let format = Format(rawValue: name) else { return nil }
        switch format {
        case .llama2, .llama3, .mistralV1, .mistralV3, .mistralTekken, .gemma:
            return ChatTemplate(format, beginning: .bos)
        case .chatml, .phi3, .zephyr, .plain:
            return ChatTemplate(format, beginning: .modelPrefix)
        }
    }

    /// The format whose markers occur in a model's Jinja template; nil when none is recognised.
    /// The prompt begins with BOS exactly if the text says so.
    public static func detect(inTemplateText text: String) -> ChatTemplate? {
        func has(_ marker: String) -> Bool { text.contains(marker) }
        let format: Format
        if has("<|im_start|>") {
            format = .chatml
        } else if has("[INST]") {
            format = mistralOrLlama2(has)
        } else if has("<|assistant|>"), has("<|end|>") {
            format = .phi3
        } else if has("<|user|>"), has("<|endoftext|>") || has("eos_token") || has("</s>") {
            format = .zephyr
        } else if has("<start_of_turn>") {
            format = .gemma
        } else if has("<|start_header_id|>"), has("<|end_header_id|>") {
            format = .llama3
        } else {
            return nil
        }
        let saysBOS = has("bos_token") || has("<|begin_of_text|>") || has("<bos>") || has("<s>")
        return ChatTemplate(format, beginning: saysBOS ? .bos : .nothing)
    }

    /// Mistral's own templates name their tool markers or put the system message inside the instruction.
    private static func mistralOrLlama2(_ has: (String) -> Bool) -> Format {
        if has("[AVAILABLE_TOOLS]") || has("' [INST] ' + system_message") {
            if has(" [INST]") { return .mistralV1 }
            return has("\"[INST]\"") ? .mistralTekken : .mistralV3
        }
        return has("<<SYS>>") ? .llama2 : .mistralV3
    }
}
