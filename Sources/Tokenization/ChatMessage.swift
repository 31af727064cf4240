/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// "system" (or its newer name "developer"), "user" or "assistant".
    public var role: String
    public var content: String

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// A part of a rendered conversation. User text and control tokens are kept apart to the end, so that no message can
/// end its own turn or open another.
public enum ChatPiece: Sendable, Equatable {
    /// Ordinary text, whatever it spells.
    case text(String)
    /// The control token with this text; ordinary text for a tokenizer that has no such token.
    case special(String)
    /// The tokenizer's BOS token, nothing where it has none.
    case bos
    /// BOS if the tokenizer puts one before every text.
    case modelPrefix
    /// The tokenizer's EOS token, nothing where it has none.
    case eos
}

/// Why a conversation has no prompt.
public enum ChatTemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    case noMessages
    /// The template has no such role.
    case unknownRole(String, message: Int)
    /// The template wants user and assistant in turn, the user first.
    case rolesMustAlternate(message: Int)
    /// The template wants system messages before all others.
    case systemNotFirst(message: Int)

    public var description: String {
        switch self {
        case .noMessages:
            "messages must not be empty"
        case .unknownRole(let role, let message):
            "messages[\(message)].role \"\(role)\" is not one of system, user, assistant"
        case .rolesMustAlternate(let message):
            "messages[\(message)]: this model's chat format needs user and assistant messages in turn, user first"
        case .systemNotFirst(let message):
            "messages[\(message)]: this model's chat format allows system messages only before all others"
        }
    }
}
