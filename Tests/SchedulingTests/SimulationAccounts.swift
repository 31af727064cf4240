@testable import Scheduling

/// The checkers' own view of who has had what of the pool.
struct SimulationAccounts {
    /// Whether a sequence has to leave others the step.
    enum Standing { case ahead, behind, eitherWay }

    private var served: [Int: Double] = [:]
    private var recent: [Int: Double] = [:]
    private var lastHere: [Int: Duration] = [:]
    private var priority: [Int: Int] = [:]
    private var mark = Duration.zero

    /// Charges each tenant for the bytes that it has held since the last call.
    mutating func advance(to now: Duration, held: [(tenant: Tenant, bytes: Int)], active: Set<Int>) {
        let seconds = (now - mark) / .seconds(1)
        mark = now
        for (tenant, bytes) in held {
            served[tenant.id, default: 0] += Double(bytes) * seconds / tenant.weight
            recent[tenant.id, default: 0] += Double(bytes) * seconds / tenant.weight
        }
        for id in recent.keys { recent[id, default: 0] *= 10 / (10 + seconds) }
        for id in active { lastHere[id] = now }
    }

    /// Tenants that were ever here.
    var known: Set<Int> { Set(lastHere.keys) }

    /// Two tenants are here or were within ten seconds.
    func isDivided(active: Set<Int>) -> Bool { here(active).count > 1 }

    private func here(_ active: Set<Int>) -> Set<Int> {
        active.union(lastHere.filter { $0.value > mark - .seconds(10) }.keys)
    }

    /// Whose tenant has had a quarter more than the mean or eight times the least, among those no less urgent, is
    /// behind.
    func standing(of admission: Admission, active: Set<Int>) -> Standing {
        let own = recent[admission.tenant.id, default: 0]
        let rivals = here(active).filter {
            $0 != admission.tenant.id && priority[$0, default: 0] >= admission.priority
        }
        guard !rivals.isEmpty else { return .ahead }
        let mean = rivals.reduce(own) { $0 + recent[$1, default: 0] } / Double(rivals.count + 1)
        let share = min(1.25 * mean, 8 * (rivals.map { recent[$0, default: 0] }.min() ?? own))
        if own > 0 && abs(own - share) <= 1e-9 * own { return .eitherWay }
        return own > share ? .behind : .ahead
    }

    /// A sequence comes; a tenant without anything here comes back among `active`.
    mutating func enter(_ admission: Admission, active: Set<Int>) {
        let tenant = admission.tenant
        priority[tenant.id] =
            active.contains(tenant.id) ? max(priority[tenant.id, default: 0], admission.priority) : admission.priority
        lastHere[tenant.id] = mark
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
