/// An eighth of seats, pool and queue is for tenants who have none of it, once there was more than one. Whoever is
/// alone has everything.
extension Scheduler {
    /// Whether there is a reserve that `tenant` has to leave to others.
    private func leaves(_ tenant: Tenant) -> Bool { accounts[tenant].running > 0 && accounts.hasIdleTenant }

    /// Starting `admission` leaves others what is theirs.
    func leavesReserve(_ admission: Admission) -> Bool {
        guard leaves(admission.tenant) else { return true }
        return running.count < limits.maxSequences - limits.spareSequences
            && startCost(of: admission) + admission.heldBytes
                <= limits.poolBytes - limits.spareBytes - reservedBytes - sharedBytes
    }

    /// Bytes that others may need of those that are free or kept.
    func spareBytes(beside tenant: Tenant) -> Int { leaves(tenant) ? limits.spareBytes : 0 }

    /// Seats that others may need.
    func spareSequences(beside tenant: Tenant) -> Int { leaves(tenant) ? limits.spareSequences : 0 }

    /// Most sequences that may wait when one of `tenant` comes.
    func mostWaiting(beside tenant: Tenant) -> Int {
        accounts[tenant].waiting > 0 && accounts.isShared
            ? limits.maxQueuedSequences - limits.sparePlaces : limits.maxQueuedSequences
    }
}

extension SchedulerLimits {
    /// Seats for tenants who have none.
    var spareSequences: Int { Self.spare(maxSequences) }
    /// Bytes of the pool for tenants with no sequence.
    var spareBytes: Int { poolBytes / 8 }
    /// Places in the queue for tenants who have none.
    var sparePlaces: Int { Self.spare(maxQueuedSequences) }

    private static func spare(_ count: Int) -> Int { count < 4 ? 0 : max(1, count / 8) }
}
