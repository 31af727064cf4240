public import Scheduling

/// On whose account, and in which class, the sequences of a request are admitted.
public struct AdmissionTerms: Sendable, Equatable {
    public let tenant: Tenant
    /// Higher goes first, whoever's it is.
    public let priority: Int

    /// Without arguments: somebody without a key, in the common class.
    public init(tenant: Tenant = .anonymous, priority: Int = 0) {
        (self.tenant, self.priority) = (tenant, priority)
    }
}
