/// Why a template cannot be read or rendered. The texts name the template's line.
public enum TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text is no template.
    case syntax(line: Int, reason: String)
    /// The template did something that fails with these values.
    case rendering(line: Int, reason: String)
    /// The template refused the conversation (`raise_exception`).
    case raised(String)
    /// The template needs more work, memory or output than allowed.
    case limit(line: Int, reason: String)

    public var description: String {
        switch self {
        case .syntax(let line, let reason): "line \(line): \(reason)"
        case .rendering(let line, let reason): "line \(line): \(reason)"
        case .raised(let message): message
        case .limit(let line, let reason): "line \(line): \(reason)"
        }
    }
}
