internal import DequeModule

/// Caches that outlive their sequences: their bytes are neither free nor reserved. Who keeps them tells the scheduler
/// of each, and drops some where they are in the way.
extension Scheduler {
    /// Whose kept caches have to make room.
    public enum EvictionWish: Sendable, Equatable {
        /// The pool is short: anybody's.
        case anyone
        /// One tenant holds all it may: its own.
        case tenant(id: Int)
    }

    /// A cache of so many bytes is kept: from now on they are neither free nor reserved. They were, when this is
    /// called: of a sequence that has just been finished, or free.
    public mutating func hold(_ bytes: Int, tenant: Tenant, now: Duration) {
        accounts.advance(to: now)
        heldBytes += bytes
        accounts.kept(tenant, bytes: bytes)
    }

    /// So many bytes of kept caches are free again.
    public mutating func letGo(_ bytes: Int, tenant: Tenant, now: Duration) {
        accounts.advance(to: now)
        heldBytes -= bytes
        accounts.kept(tenant, bytes: -bytes)
    }

    /// Bytes that are neither reserved nor held nor shared.
    public var freeBytes: Int { limits.poolBytes - reservedBytes - heldBytes - sharedBytes }

    /// Whether the tenant may keep so many bytes more.
    public func mayHold(_ bytes: Int, _ tenant: Tenant) -> Bool {
        bytes <= (tenant.mostBytes ?? .max) - accounts[tenant].reservedBytes
    }

    /// Whether dropping kept caches, apart from those of waiting sequences, brings the next start nearer: it lacks
    /// nothing else. Asked again after each.
    public var evictionWish: EvictionWish? {
        guard heldBytes > 0, !waiting.isEmpty, running.count < limits.maxSequences else { return nil }
        for head in tenantHeads {
            let (admission, account) = (waiting[head.place].admission, accounts[head.tenant])
            let isFull = !accounts.hasRoom(head.tenant, bytes: startCost(of: admission))
            guard isFull, account.running < head.tenant.mostSequences ?? .max else { continue }
            let needed = startCost(of: admission) + admission.heldBytes
            if needed <= (head.tenant.mostBytes ?? .max) - account.reservedBytes + account.heldBytes {
                return .tenant(id: head.tenant.id)
            }
        }
        guard let place = nextWaitingPlace, !fits(waiting[place].admission) else { return nil }
        let admission = waiting[place].admission
        return startCost(of: admission) <= freeBytes + heldBytes - admission.heldBytes ? .anyone : nil
    }

    /// What starting the sequence takes is free.
    func fits(_ admission: Admission) -> Bool { startCost(of: admission) <= freeBytes }

    func hasTenantRoom(_ admission: Admission) -> Bool {
        accounts.hasRoom(admission.tenant, bytes: startCost(of: admission)) && leavesReserve(admission)
    }

    /// The oldest waiting sequence with a kept cache that can start now.
    var nextOwnerOfKeptCache: Int? {
        waiting.indices.first { place in
            let admission = waiting[place].admission
            return !waiting[place].isPaused && admission.heldBytes > 0 && fits(admission) && hasTenantRoom(admission)
        }
    }

    /// Waiting sequences' kept caches cannot be dropped. So that one of them can always start when all else is gone,
    /// each has to fit the pool, and its tenant's share of it, beside those of the others.
    func keptCachesLeaveRoom(for group: [Admission]) -> Bool {
        guard group.contains(where: { $0.heldBytes > 0 }) else { return true }
        let owners = (waiting.map(\.admission) + group).filter { $0.heldBytes > 0 }
        let held = owners.reduce(0) { $0 + $1.heldBytes }
        return owners.allSatisfy { owner in
            let own = owners.reduce(0) { $0 + ($1.tenant.id == owner.tenant.id ? $1.heldBytes : 0) }
            return owner.startBytes - owner.heldBytes + held <= limits.poolBytes
                && owner.startBytes - owner.heldBytes + own <= owner.tenant.mostBytes ?? .max
        }
    }
}
