/// Why a session could not be saved or restored. Nothing else has changed then.
public enum SessionFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name could leave the folder, or mean different things on different systems.
    case badName(String)
    case notFound(name: String)
    /// The file system refused; a full disk and a read-only folder are this.
    case unwritable(name: String, reason: String)
    case unreadable(name: String, reason: String)
    /// Not a session file, or one that was cut or changed.
    case damaged(name: String, reason: String)
    /// A session of another model.
    case otherModel(name: String)
    /// Larger than this server may read.
    case tooLarge(name: String, bytes: Int, limit: Int)

    public var description: String {
        switch self {
        case .badName(let name):
            "\"\(name.prefix(80))\" is no file name: 1 to 128 letters, digits and . _ - are allowed, not beginning "
                + "with a dot"
        case .notFound(let name): "there is no file \(name)"
        case .unwritable(let name, let reason): "the file \(name) cannot be written: \(reason)"
        case .unreadable(let name, let reason): "the file \(name) cannot be read: \(reason)"
        case .damaged(let name, let reason): "the file \(name) is no whole session file: \(reason)"
        case .otherModel(let name): "the file \(name) holds a session of another model"
        case .tooLarge(let name, let bytes, let limit): "the file \(name) has \(bytes) bytes, at most \(limit) are read"
        }
    }
}
