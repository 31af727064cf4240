/// Two entries of one list that cannot both be.
public enum KeyRingError: Error, Sendable, Equatable, CustomStringConvertible {
    case repeatedName(String)
    /// Two names for one key: nobody could say whose request it is.
    case repeatedKey(String, String)

    public var description: String {
        switch self {
        case .repeatedName(let name): "two keys are called '\(name)'"
        case .repeatedKey(let first, let second): "'\(first)' and '\(second)' have the same hash"
        }
    }
}

/// All keys of a server. Empty: nobody needs one.
public struct KeyRing: Sendable, Equatable {
    public let keys: [APIKey]

    /// No keys.
    public init() { keys = [] }

    /// Throws where two entries share a name or a hash.
    public init(_ keys: [APIKey]) throws(KeyRingError) {
        for (index, key) in keys.enumerated() {
            for earlier in keys[..<index] {
                if earlier.name == key.name { throw .repeatedName(key.name) }
                if earlier.digest == key.digest { throw .repeatedKey(earlier.name, key.name) }
            }
        }
        self.keys = keys
    }

    public var isEmpty: Bool { keys.isEmpty }

    /// The entry of a key as a client sent it. Takes the same time whichever entry it is, and if it is none.
    public func holder(of key: some StringProtocol) -> APIKey? {
        let digest = KeyDigest(of: key)
        var found: Int?
        for index in keys.indices where keys[index].digest.matches(digest) { found = index }
        return found.map { keys[$0] }
    }
}
