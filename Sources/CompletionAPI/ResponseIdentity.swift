/// What all chunks of one answer share.
public struct ResponseIdentity: Sendable, Equatable {
    /// `cmpl-…` or `chatcmpl-…`.
    public let id: String
    /// Seconds since 1970.
    public let created: Int
    /// Name of the model that answers.
    public let model: String
    /// Says which build and settings answered; null in the answer when nil.
    public let systemFingerprint: String?

    /// All members of the identity.
    public init(id: String, created: Int, model: String, systemFingerprint: String?) {
        self.id = id
        self.created = created
        self.model = model
        self.systemFingerprint = systemFingerprint
    }
}
