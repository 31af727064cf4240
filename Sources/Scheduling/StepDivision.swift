/// Who has had more than its share lately, of the tenants that are here or were a moment ago. Rows of these take turns:
/// a step has few of them, so that it is short for the others and for those who may come while it runs.
struct StepDivision: Sendable {
    /// One tenant's side.
    struct Share: Sendable {
        let tenant: Int
        /// Byte-seconds over weight, the older the less.
        let recent: Double
        let priority: Int
    }

    /// So many times the mean is more than a share.
    static let mostOfMean = 1.25
    /// So many times the least is, too: many large ones together are near their mean.
    static let mostOfLeast = 8.0

    let shares: [Share]

    /// Whether `admission` has to leave others the step: its tenant has had more than its share, among all whose
    /// sequences are no less urgent.
    func isBehind(_ admission: Admission) -> Bool {
        guard let own = shares.first(where: { $0.tenant == admission.tenant.id }) else { return false }
        var (sum, count, least) = (own.recent, 1, own.recent)
        for share in shares where share.tenant != own.tenant && share.priority >= admission.priority {
            sum += share.recent
            count += 1
            least = min(least, share.recent)
        }
        return own.recent * Double(count) > Self.mostOfMean * sum || own.recent > Self.mostOfLeast * least
    }
}
