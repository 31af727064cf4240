internal import Templates

/// Why there is no prompt for a conversation, or no template.
enum ChatFormatError: Error, CustomStringConvertible {
    case unreadableFile(path: String, reason: String)
    /// The file that was asked for holds no template.
    case badTemplateFile(path: String, reason: String)
    /// The model's own template is no template that can be read.
    case unreadableTemplate(reason: String)
    /// The template failed or refused this conversation.
    case failed(reason: String)
    /// A named format has no place for tools.
    case noTools(format: String)
    /// The client wants to set what the conversation sets.
    case reservedName(String)

    var description: String {
        switch self {
        case .unreadableFile(let path, let reason): "\(path): \(reason)"
        case .badTemplateFile(let path, let reason): "\(path), \(reason)"
        case .unreadableTemplate(let reason): "The model's chat template cannot be read: \(reason)"
        case .failed(let reason): "The model's chat template refuses this conversation: \(reason)"
        case .noTools(let format): "The chat format \(format) has no place for tools and their calls"
        case .reservedName(let name): "chat_template_kwargs must not hold \(name): the request itself sets it"
        }
    }

    /// The field of a request that the error is about.
    var param: String {
        switch self {
        case .noTools: "tools"
        case .reservedName(let name): "chat_template_kwargs.\(name)"
        default: "messages"
        }
    }

    /// The code of the API's error.
    var code: String {
        switch self {
        case .noTools: "unsupported_parameter"
        case .reservedName: "invalid_value"
        default: "chat_template_error"
        }
    }
}
