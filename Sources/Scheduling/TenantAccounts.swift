/// What each tenant has had of the pool, in bytes times seconds over its weight: the virtual token counter of Sheng et
/// al. (Fairness in Serving Large Language Models, arXiv 2401.00588), with byte-seconds of cache as the cost.
///
/// A tenant is charged while its sequences hold reservations, and for caches that are kept for it. Who has had least
/// goes first. A tenant that comes back after a pause is lifted to the least of those that are here, so that nobody
/// saves up a right to push others aside.
///
/// Beside this, `recent` is what each has had lately: it decides whose rows take turns in a step (see `StepDivision`).
struct TenantAccounts: Sendable {
    /// Within this time two thirds of what a tenant has had recently are forgotten, and one without sequences counts as
    /// somebody who may come back any moment.
    static let memory = Duration.seconds(10)

    /// One tenant's side of the books.
    struct Account: Sendable {
        /// Byte-seconds over weight.
        var served = 0.0
        /// The same of its sequences alone, without kept caches, the older the less.
        var recent = 0.0
        var weight = 1.0
        /// When it last had a sequence here.
        var lastHere: Duration?
        /// The highest priority among its sequences since it last had none.
        var priority = 0
        /// Reservations and kept caches.
        var reservedBytes = 0
        /// Of these, kept caches.
        var heldBytes = 0
        var running = 0
        var waiting = 0

        var isActive: Bool { running + waiting > 0 }

        mutating func advance(to now: Duration, seconds: Double) {
            served += Double(reservedBytes) * seconds / weight
            recent += Double(reservedBytes - heldBytes) * seconds / weight
            recent /= 1 + seconds / (TenantAccounts.memory / .seconds(1))
            if isActive { lastHere = now }
        }
    }

    private var accounts: [Int: Account] = [:]
    private var mark = Duration.zero

    subscript(tenant: Tenant) -> Account { accounts[tenant.id] ?? Account() }

    /// Charges what was held since the last call.
    mutating func advance(to now: Duration) {
        guard now > mark else { return }
        let seconds = (now - mark) / .seconds(1)
        mark = now
        // In place: a loop over the dictionary itself would keep it, and changing it would copy it, every step.
        var index = accounts.startIndex
        while index != accounts.endIndex {
            accounts.values[index].advance(to: now, seconds: seconds)
            accounts.formIndex(after: &index)
        }
    }

    mutating func queued(_ tenant: Tenant, priority: Int) {
        var account = self[tenant]
        if !account.isActive {
            let least = accounts.values.lazy.filter(\.isActive).map(\.served).min()
            account.served = max(account.served, least ?? 0)
            account.priority = priority
        }
        account.priority = max(account.priority, priority)
        account.lastHere = mark
        account.waiting += 1
        account.weight = tenant.weight
        accounts[tenant.id] = account
    }

    mutating func unqueued(_ tenant: Tenant) { accounts[tenant.id]?.waiting -= 1 }

    mutating func started(_ tenant: Tenant, bytes: Int) {
        accounts[tenant.id]?.waiting -= 1
        accounts[tenant.id]?.running += 1
        accounts[tenant.id]?.reservedBytes += bytes
    }

    mutating func reservationChanged(_ tenant: Tenant, by bytes: Int) { accounts[tenant.id]?.reservedBytes += bytes }

    mutating func ended(_ tenant: Tenant, bytes: Int) {
        accounts[tenant.id]?.running -= 1
        accounts[tenant.id]?.reservedBytes -= bytes
    }

    /// A cache is kept that outlives its sequence, or is no more.
    mutating func kept(_ tenant: Tenant, bytes: Int) {
        guard bytes != 0 else { return }
        var account = self[tenant]
        account.heldBytes += bytes
        account.reservedBytes += bytes
        account.weight = tenant.weight
        accounts[tenant.id] = account
    }

    /// Whether `tenant` may hold `bytes` more in one sequence more.
    func hasRoom(_ tenant: Tenant, bytes: Int) -> Bool {
        let account = self[tenant]
        return account.running < tenant.mostSequences ?? .max
            && bytes <= (tenant.mostBytes ?? .max) - account.reservedBytes
    }

    /// There was more than one tenant.
    var isShared: Bool { accounts.count > 1 }

    /// Somebody who has been here has nothing running now.
    var hasIdleTenant: Bool { isShared && accounts.values.contains { $0.running == 0 } }

    /// How the tenants share the steps, if more than one is here or was a moment ago.
    var division: StepDivision? {
        guard isShared else { return nil }
        let since = mark - Self.memory
        let shares = accounts.compactMap { id, account -> StepDivision.Share? in
            guard let lastHere = account.lastHere, account.isActive || lastHere > since else { return nil }
            return StepDivision.Share(tenant: id, recent: account.recent, priority: account.priority)
        }
        return shares.count > 1 ? StepDivision(shares: shares) : nil
    }

    /// Sums over all tenants, for the scheduler's own audit.
    var totals: (reservedBytes: Int, running: Int, waiting: Int) {
        accounts.values.reduce(into: (0, 0, 0)) { sum, account in
            sum.0 += account.reservedBytes
            sum.1 += account.running
            sum.2 += account.waiting
        }
    }

    /// Whose turn it is: the higher priority, then who has had less, then who holds less, then the earlier.
    func precedes(_ left: Turn, _ right: Turn) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        if left.tenant.id == right.tenant.id { return left.place < right.place }
        let (first, second) = (self[left.tenant], self[right.tenant])
        if first.served != second.served { return first.served < second.served }
        let (lighter, heavier) = (
            Double(first.reservedBytes) / left.tenant.weight, Double(second.reservedBytes) / right.tenant.weight
        )
        return lighter != heavier ? lighter < heavier : left.place < right.place
    }

    /// Somebody who may be next, and its place among them in order of arrival.
    struct Turn: Sendable {
        let tenant: Tenant
        let priority: Int
        let place: Int
    }
}
