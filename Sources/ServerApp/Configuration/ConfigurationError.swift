/// Why a configuration is refused; the text says which setting to change, and where it came from.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadableFile(path: String, reason: String)
    case notAMapping(path: String)
    case unknownKey(String, origin: ConfigurationOrigin)
    case notAScalar(ConfigurationKey, origin: ConfigurationOrigin)
    case badValue(ConfigurationKey, value: String, expected: String, origin: ConfigurationOrigin)
    /// A part of a list. The value is left out where it could be a secret.
    case badEntry(String, value: String? = nil, expected: String, origin: ConfigurationOrigin)
    case conflict(ConfigurationKey, ConfigurationKey, reason: String)

    public var description: String {
        switch self {
        case .unreadableFile(let path, let reason): "configuration file \(path): \(reason)"
        case .notAMapping(let path): "configuration file \(path): must be a mapping of keys to values"
        case .unknownKey(let key, let origin):
            "\(origin): there is no setting '\(key)'; `keyhold serve --print-config` lists all"
        case .notAScalar(let key, let origin): "\(origin): \(key.rawValue) must be a single value"
        case .badValue(let key, let value, let expected, let origin):
            "\(origin): \(key.rawValue) is '\(value)' but must be \(expected)"
        case .badEntry(let name, let value, let expected, let origin):
            "\(origin): \(name)\(value.map { " is '\($0)' but" } ?? "") must be \(expected)"
        case .conflict(let first, let second, let reason): "\(first.rawValue) and \(second.rawValue): \(reason)"
        }
    }
}

/// Where a value came from, in rising precedence.
public enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    case builtIn
    case file(String)
    case environment(String)
    case argument(String)

    public var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let path): path
        case .environment(let name): "environment variable \(name)"
        case .argument(let name): "--\(name)"
        }
    }
}
