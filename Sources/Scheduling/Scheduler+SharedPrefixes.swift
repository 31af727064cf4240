internal import DequeModule
public import Generation

/// What a waiting sequence would find if it started now: the first rows of its prompt as others have read them.
public struct PrefixGrant: Sendable, Equatable {
    /// Rows that it does not read itself.
    public let rows: Int
    /// Of its `startBytes`, those that shared memory stands for.
    public let coveredBytes: Int
    /// Of the memory that it shares, what no running sequence uses yet and is charged when it starts.
    public let idleBytes: Int

    public init(rows: Int, coveredBytes: Int, idleBytes: Int) {
        precondition(rows >= 0 && coveredBytes >= 0 && idleBytes >= 0, "a grant of less than nothing")
        (self.rows, self.coveredBytes, self.idleBytes) = (rows, coveredBytes, idleBytes)
    }
}

/// Memory that running sequences share: beginnings of prompts. It is charged once, to the tenant of them all, beside
/// the reservations, from the first sequence that uses it to the last. What nobody uses is not in these books: its
/// keeper drops it where the pool is short.
extension Scheduler {
    /// Sequences that may start next: the first of each tenant and the oldest ones, not many.
    public var candidates: [SequenceID] {
        guard !waiting.isEmpty, running.count < limits.maxSequences else { return [] }
        let places = Set(tenantHeads.map(\.place)).union(0..<min(16, waiting.count))
        return places.sorted().map { waiting[$0].admission.id }
    }

    /// Bytes that starting the sequence takes from the pool.
    func startCost(of admission: Admission) -> Int {
        let grant = grants[admission.id]
        return admission.startBytes - admission.heldBytes - (grant?.coveredBytes ?? 0) + (grant?.idleBytes ?? 0)
    }

    /// Bytes that running sequences share leave the reservation of the sequence: `bytes` of its own become shared or
    /// make room for shared ones. Of these, `newBytes` are charged from now on. A prompt that has not come as far goes
    /// on at `row`.
    public mutating func share(
        _ id: SequenceID, bytes: Int, newBytes: Int, row: Int? = nil, now: Duration
    ) {
        guard let index = running.firstIndex(where: { $0.id == id }) else {
            preconditionFailure("\(id) shares and does not run")
        }
        accounts.advance(to: now)
        running[index].coveredBytes += bytes
        if let row { running[index].skip(to: row) }
        reservedBytes -= bytes
        sharedBytes += newBytes
        accounts.reservationChanged(running[index].admission.tenant, by: newBytes - bytes)
    }

    /// No running sequence uses so many of the shared bytes any more.
    public mutating func unshare(_ bytes: Int, tenant: Tenant, now: Duration) {
        accounts.advance(to: now)
        sharedBytes -= bytes
        accounts.reservationChanged(tenant, by: -bytes)
    }

    /// The sequence starts with what it was granted.
    mutating func applyGrant(to sequence: inout RunningSequence) {
        guard let grant = grants[sequence.id] else { return }
        sequence.begin(grant)
        sharedBytes += grant.idleBytes
        accounts.reservationChanged(sequence.admission.tenant, by: grant.idleBytes)
    }
}

extension RunningSequence {
    /// Rows that were read before stand in memory that is charged elsewhere.
    mutating func begin(_ grant: PrefixGrant) {
        precondition(grant.rows < admission.promptTokens, "\(id) has nothing to read")
        (firstRow, coveredBytes) = (grant.rows, grant.coveredBytes)
        phase = .prefill(layer: 0, row: grant.rows)
    }

    /// The rows before `row` have been read.
    mutating func skip(to row: Int) {
        guard case .prefill(layer: 0, row: let next) = phase, admission.passesByRows, row < admission.promptTokens
        else {
            preconditionFailure("\(id) cannot go on at row \(row)")
        }
        phase = .prefill(layer: 0, row: max(row, next))
    }
}
