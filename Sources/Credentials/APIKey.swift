/// Somebody who may use the server: the digest of a key, and what its holder may have.
public struct APIKey: Sendable, Equatable {
    /// How logs and metrics call the holder: 1 to 64 letters, digits and `-_.`.
    public let name: String
    public let digest: KeyDigest
    /// Share of the machine against other keys that want it at the same time.
    public var weight = 1.0
    /// Most bytes of KV cache that its requests hold together; nil is the whole pool.
    public var kvMaxBytes: Int?
    /// Requests it may send in any minute, in a burst or spread; nil is any number.
    public var requestsPerMinute: Int?
    /// Requests it may have open at once, waiting ones included; nil is any number.
    public var maxConcurrent: Int?
    /// Sequences of its requests that run at once; further ones wait. nil is any number.
    public var maxSequences: Int?
    /// Highest priority that its requests may ask for.
    public var priority = 0

    /// May see metrics and status of all keys where these share the port with everything else.
    public var isAdmin = false

    /// Name of requests without a key.
    public static let anonymous = "anonymous"
    /// Priorities that a key may have.
    public static let priorities = -1000...1000
    /// Weights that a key may have.
    public static let weights = 0.001...1000.0

    /// Requires a name that `isName` accepts.
    public init(name: String, digest: KeyDigest) {
        precondition(Self.isName(name), "'\(name)' is no name of a key")
        self.name = name
        self.digest = digest
    }

    /// Whether a key can have this name: fit for labels and log lines, and not the name of requests without a key.
    public static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text != anonymous && text != "other"
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || "-_.".utf8.contains(byte)
            }
    }
}
