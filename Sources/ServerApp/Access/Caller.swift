internal import CompletionAPI
internal import Credentials
internal import Generation
internal import Scheduling
internal import Serving

/// Who sent a request and what that allows.
struct Caller: Sendable {
    /// The key's name, or `anonymous`.
    let name: String
    /// Whose account pays for its sequences.
    let tenant: Tenant
    /// Highest value of `priority`.
    let highestPriority: Int

    /// Somebody without a key, where nobody needs one.
    static let anonymous = Caller(name: APIKey.anonymous, tenant: .anonymous, highestPriority: 0)

    private init(name: String, tenant: Tenant, highestPriority: Int) {
        (self.name, self.tenant, self.highestPriority) = (name, tenant, highestPriority)
    }

    /// The holder of `key`; `tenantID` is the number of its account.
    init(_ key: APIKey, tenantID: Int) {
        name = key.name
        tenant = Tenant(
            id: tenantID, weight: key.weight, mostBytes: key.kvMaxBytes, mostSequences: key.maxSequences)
        highestPriority = key.priority
    }

    /// On which terms a request with this `priority` is admitted.
    func terms(priority: Int?) throws(APIError) -> AdmissionTerms {
        let priority = priority ?? min(0, highestPriority)
        guard priority <= highestPriority else { throw .priorityTooHigh(priority, highest: highestPriority) }
        return AdmissionTerms(tenant: tenant, priority: priority)
    }
}
