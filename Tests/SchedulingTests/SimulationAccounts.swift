@testable import Scheduling

/// The checkers' own view of who has had what of the pool.
struct SimulationAccounts {
    private var served: [Int: Double] = [:]
    private var mark = Duration.zero

    /// Charges each tenant for the bytes that it has held since the last call.
    mutating func advance(to now: Duration, held: [(tenant: Tenant, bytes: Int)]) {
        let seconds = (now - mark) / .seconds(1)
        mark = now
        for (tenant, bytes) in held { served[tenant.id, default: 0] += Double(bytes) * seconds / tenant.weight }
    }

    /// A tenant without anything here comes back among `active`.
    mutating func enter(_ tenant: Tenant, active: Set<Int>) {
        guard !active.contains(tenant.id), let least = active.map({ served[$0, default: 0] }).min() else { return }
        served[tenant.id] = max(served[tenant.id, default: 0], least)
    }

    /// `left` must go before `right`. Both arrived or started in this order within a tenant; what two tenants have had
    /// must differ by more than rounding.
    func mustPrecede(_ left: Admission, _ right: Admission, isEarlier: Bool) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        if left.tenant.id == right.tenant.id { return isEarlier }
        let (first, second) = (served[left.tenant.id, default: 0], served[right.tenant.id, default: 0])
        return first < second - 1e-9 * max(1, second)
    }
}
