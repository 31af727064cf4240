internal import Credentials

/// `keyhold key`: keys for clients and their entries for the configuration.
public enum KeyIssue {
    /// Why there is no entry.
    public enum IssueError: Error, CustomStringConvertible {
        case badName(String)
        case weakKey(bytes: Int)

        public var description: String {
            switch self {
            case .badName(let name):
                "'\(name)' cannot be a key's name: 1 to 64 letters, digits, -, _ or ., not 'anonymous' and not 'other'"
            case .weakKey(let bytes):
                "the key on standard input has \(bytes) bytes; at least 20 random ones are needed, since its hash can "
                    + "be tried out offline"
            }
        }
    }

    /// A fresh key and its entry. The key is the first line that does not begin with `#`.
    public static func fresh(name: String) throws -> String {
        let key = NewKey()
        let entry = try entry(name: name, key: key.text)
        return "# The key, for the client. It is shown once and stored nowhere.\n\(key.text)\n"
            + "# Its entry under api_keys in the configuration:\n\(entry)"
    }

    /// The entry of a key that exists.
    public static func entry(name: String, key: String) throws -> String {
        guard APIKey.isName(name) else { throw IssueError.badName(name) }
        guard key.utf8.count >= 20 else { throw IssueError.weakKey(bytes: key.utf8.count) }
        return "  - {name: \(name), hash: \(KeyDigest(of: key).hexadecimal)}\n"
    }
}
