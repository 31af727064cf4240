public import Scheduling

/// Who may see a session: an API key, or everybody without one. Opaque to the service, which compares names.
public struct SessionOwner: Sendable, Hashable {
    public let name: String
    /// Whose account pays for the bytes that the session keeps.
    public let tenant: Tenant

    /// Everybody without a key.
    public static let anonymous = SessionOwner(name: "")

    public init(name: String, tenant: Tenant = .anonymous) {
        self.name = name
        self.tenant = tenant
    }

    public static func == (left: SessionOwner, right: SessionOwner) -> Bool { left.name == right.name }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A session's identity: its name among those of its owner. Others' sessions cannot be named.
public struct SessionKey: Sendable, Hashable {
    public let owner: SessionOwner
    public let id: String

    public init(owner: SessionOwner, id: String) {
        self.owner = owner
        self.id = id
    }

    /// Whether a client may choose this name: 1 to 64 letters, digits and `._-`.
    public static func isID(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [45, 46, 95].contains(byte)
            }
    }
}
