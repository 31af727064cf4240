/// A model that cannot be run: which field or tensor, what it says and what is possible.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownArchitecture(file: String, name: String, known: [String])
    case missingField(file: String, field: String)
    case wrongField(file: String, field: String, found: String, wanted: String)
    /// The field asks for arithmetic that is not there.
    case unsupported(file: String, field: String, found: String, wanted: String)

    public var description: String {
        switch self {
        case .unknownArchitecture(let file, let name, let known):
            "\(file): architecture \"\(name)\" is not supported; known are \(known.joined(separator: ", "))"
        case .missingField(let file, let field): "\(file): field \(field) is missing"
        case .wrongField(let file, let field, let found, let wanted):
            "\(file): field \(field) is \(found); expected \(wanted)"
        case .unsupported(let file, let field, let found, let wanted):
            "\(file): field \(field) is \(found), which is not supported; supported: \(wanted)"
        }
    }
}
