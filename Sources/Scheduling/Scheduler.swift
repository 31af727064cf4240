internal import DequeModule
public import Generation

/// Continuous batching and admission in bytes. Pure: no thread, no clock, no model. `now` is the time since an
/// arbitrary start that every call shares. One owner calls it in a loop:
///
///     let step = scheduler.nextStep(now: now)
///     run(step.plan)
///     scheduler.completed(step.plan, now: now)      // and `finish` for every sequence that ended
///
/// - Whose turn it is: the highest priority, of these the tenant that has had the least byte-seconds of the pool for
///   its weight (see `TenantAccounts`), of its sequences the oldest. It starts when a seat and its `startBytes` are
///   free, and nobody starts before it: a large request waits for the running ones to end, and smaller ones do not
///   overtake it. With one tenant and one priority that is first come, first served. Passed over are a paused
///   sequence and one whose tenant holds all it may; both keep their places.
/// - While several tenants are here, those who have had more than their share take turns in short steps, and leave a
///   part of seats, pool and queue free (Scheduler+Turns.swift, Scheduler+Reserve.swift). With one tenant, or else:
/// - A step has one row of every decoding sequence that is not paused, so a gap between two tokens is one step, and
///   pieces of prompts in order of turn, a tenant's own in the order in which they started: the first prompt takes what
///   it can, the next one what is left if that is worth a pass over a layer's weights. Prompts get
///   `guaranteedPrefillRowLayers` even when decode rows fill the step.
/// - A prompt of which something will be evicted passes layer by layer (layer-major): all rows through layer l, in
///   parts if they do not fit, before the first row enters layer l + 1. A piece has several layers only with all rows.
///   Another prompt passes by rows: each piece takes its rows through all layers, so nothing waits between layers. A
///   sequence has one piece per step.
/// - Bytes: `startBytes` from start, `steadyBytes` from the prompt's end, nothing from `finish`, which takes effect at
///   once. A running sequence can therefore never fail for memory.
/// - Kept caches (`hold`) have their bytes of the pool too. Where they are in the way of a start, `evictionWish` asks
///   the owner to drop some; those of waiting sequences are never asked for.
public struct Scheduler: Sendable {
    public let limits: SchedulerLimits
    /// The queue, oldest first.
    var waiting: Deque<WaitingSequence> = []
    /// Sequences with a reservation, in the order in which they started.
    var running: [RunningSequence] = []
    /// Sum of the running ones' reservations.
    var reservedBytes = 0
    /// Not later than any deadline, so that a step before it needs no search. nil when nobody has one.
    var deadlineBound: Duration?
    /// Bytes of caches that outlive their sequences.
    var heldBytes = 0
    /// Bytes that running sequences share.
    var sharedBytes = 0
    /// What waiting sequences find of their prompts if they start in the next step. Whoever knows says so before each
    /// step, and whenever it asks what would start.
    public var grants: [SequenceID: PrefixGrant] = [:]
    var accounts = TenantAccounts()
    /// Decode rows so far.
    private var turnCount = 0
    /// Of steps that tenants share.
    var turnSize = TurnSize()
    /// What was planned last, where it was such a step.
    var dividing: TurnSize.Step?
    private var departureRate = DepartureRate()
    /// The memory of the last plan's decode rows, for the next one's.
    private var planMemory: [SequenceID] = []

    public init(limits: SchedulerLimits) {
        self.limits = limits
        running.reserveCapacity(limits.maxSequences)
    }

    /// Queues all of `group`, in its order, or nothing of it. The ids are new. The members start and end on their own.
    public mutating func submit(_ group: [Admission], now: Duration) -> SubmitDecision {
        precondition(!group.isEmpty, "an empty group")
        for admission in group {
            let limit = min(limits.poolBytes, admission.tenant.mostBytes ?? .max)
            guard admission.startBytes <= limit else {
                return .neverFits(neededBytes: admission.startBytes, limitBytes: limit)
            }
        }
        guard group.count <= limits.maxQueuedSequences else {
            return .groupTooLarge(sequences: group.count, limit: limits.maxQueuedSequences)
        }
        accounts.advance(to: now)
        guard keptCachesLeaveRoom(for: group) else { return .queueFull(retryAfterSeconds: 1) }
        let place = waiting.count
        let excess = place + group.count - mostWaiting(beside: group[0].tenant)
        guard excess <= 0 else {
            departureRate.advance(to: now, isBusy: !running.isEmpty)
            return .queueFull(retryAfterSeconds: departureRate.secondsUntil(departures: excess))
        }
        for admission in group {
            waiting.append(WaitingSequence(admission: admission))
            accounts.queued(admission.tenant, priority: admission.priority)
            if let deadline = admission.deadline { deadlineBound = min(deadline, deadlineBound ?? deadline) }
        }
        return .queued(place: place)
    }

    /// Drops what is past its deadline, starts what fits and plans the step. Without `completed` in between, a second
    /// call plans the same work again.
    public mutating func nextStep(now: Duration) -> ScheduledStep {
        let expired = removeExpired(now: now)
        let started = startWaiting()
        return ScheduledStep(started: started, expired: expired, plan: plannedStep(now: now))
    }

    /// The engine has computed `plan`. Sequences of it that have been finished meanwhile are skipped. A prompt whose
    /// last layer is done drops to its `steadyBytes` and decodes from the next step on.
    public mutating func completed(_ plan: StepPlan, now: Duration) {
        advance(to: now)
        if let dividing { turnSize.completed(dividing, now: now) } else { turnSize.wasUndivided() }
        var guess = 0
        for id in plan.decode {
            guard let index = runningIndex(of: id, guess: guess) else { continue }
            turnCount += 1
            running[index].completeDecodeRow(turn: turnCount)
            guess = index + 1
        }
        planMemory = plan.decode
        for piece in plan.prefill {
            guard let index = runningIndex(of: piece.sequence, guess: guess) else { continue }
            let before = running[index].reservedBytes
            running[index].complete(piece, layerCount: limits.layerCount)
            reservedBytes += running[index].reservedBytes - before
            accounts.reservationChanged(
                running[index].admission.tenant, by: running[index].reservedBytes - before)
            guess = index + 1
        }
    }

    /// The sequence has ended or is withdrawn, queued or running: its bytes are free when this returns and nothing of
    /// it is planned again. False if it is not here (it ended before).
    @discardableResult
    public mutating func finish(_ id: SequenceID, now: Duration) -> Bool {
        if let index = runningIndex(of: id, guess: 0) {
            advance(to: now)
            removeRunning(at: index)
            return true
        }
        guard let place = waiting.firstIndex(where: { $0.admission.id == id }) else { return false }
        accounts.unqueued(waiting.remove(at: place).admission.tenant)
        return true
    }

    /// The reader is slow: the sequence keeps its place and its bytes, and is neither started nor planned until
    /// `resume`. Its deadline still runs. An unknown id is ignored.
    public mutating func pause(_ id: SequenceID) {
        setPaused(id, true)
    }

    /// Ends a pause. An unknown id is ignored.
    public mutating func resume(_ id: SequenceID) {
        setPaused(id, false)
    }

    /// The earliest deadline of a waiting or running sequence: `nextStep` has something to do then at the latest.
    public var nextDeadline: Duration? {
        var earliest: Duration?
        for sequence in waiting {
            if let deadline = sequence.admission.deadline { earliest = min(deadline, earliest ?? deadline) }
        }
        for sequence in running {
            if let deadline = sequence.admission.deadline { earliest = min(deadline, earliest ?? deadline) }
        }
        return earliest
    }

    /// No sequence is here, waiting or running.
    public var isEmpty: Bool { waiting.isEmpty && running.isEmpty }

    /// The next step would start or compute something, deadlines aside. False means: sleep until an event arrives or
    /// `nextDeadline` passes.
    public var hasWork: Bool {
        running.contains { $0.canDecode || $0.canPrefill } || nextStartPlace != nil
    }

    /// Sequences that decode in the step that was planned last, over those that could.
    public var decodeShare: Double { dividing?.decodeShare ?? 1 }

    public var statistics: SchedulerStatistics {
        SchedulerStatistics(
            running: running.count,
            waiting: waiting.count,
            prefilling: running.count { $0.isPrefilling },
            paused: running.count { $0.isPaused },
            reservedBytes: reservedBytes, heldBytes: heldBytes, sharedBytes: sharedBytes)
    }
}

// MARK: - Parts of a step

extension Scheduler {
    /// Moves both clocks that measure by the time that passes.
    private mutating func advance(to now: Duration) {
        departureRate.advance(to: now, isBusy: !running.isEmpty)
        accounts.advance(to: now)
    }

    /// The place in the queue of the sequence that may start now.
    private var nextStartPlace: Int? {
        guard running.count < limits.maxSequences, let place = nextWaitingPlace else { return nil }
        if fits(waiting[place].admission) { return place }
        // Kept caches of waiting sequences stand in its way: these go first, and leave theirs free to be dropped.
        return running.isEmpty ? nextOwnerOfKeptCache : nil
    }

    /// The place in the queue of the sequence whose turn it is: the best of the tenants' heads that have room.
    var nextWaitingPlace: Int? {
        tenantHeads.filter { hasTenantRoom(waiting[$0.place].admission) }.min(by: accounts.precedes)?.place
    }

    /// The first of each tenant's sequences that may start.
    var tenantHeads: [TenantAccounts.Turn] {
        var heads: [TenantAccounts.Turn] = []
        for place in waiting.indices where !waiting[place].isPaused {
            let admission = waiting[place].admission
            let turn = TenantAccounts.Turn(tenant: admission.tenant, priority: admission.priority, place: place)
            if let index = heads.firstIndex(where: { $0.tenant.id == turn.tenant.id }) {
                if turn.priority > heads[index].priority { heads[index] = turn }
            } else {
                heads.append(turn)
            }
        }
        return heads
    }

    private mutating func startWaiting() -> [SequenceID] {
        var started: [SequenceID] = []
        while let place = nextStartPlace {
            let admission = waiting.remove(at: place).admission
            var sequence = RunningSequence(admission: admission, isPaused: false)
            applyGrant(to: &sequence)
            running.append(sequence)
            reservedBytes += sequence.reservedBytes
            heldBytes -= admission.heldBytes
            accounts.started(admission.tenant, bytes: sequence.reservedBytes)
            accounts.kept(admission.tenant, bytes: -admission.heldBytes)
            started.append(admission.id)
        }
        return started
    }

    /// Drops what is past its deadline, waiting or running; its bytes are free. `nextStep` does it too: for who has to
    /// know before others start in them.
    public mutating func removeExpired(now: Duration) -> [SequenceID] {
        advance(to: now)
        guard let bound = deadlineBound, bound <= now else { return [] }
        var expired: [SequenceID] = []
        for index in running.indices.reversed() {
            guard let deadline = running[index].admission.deadline, deadline <= now else { continue }
            expired.append(running[index].id)
            removeRunning(at: index)
        }
        expired.reverse()
        waiting.removeAll { sequence in
            guard let deadline = sequence.admission.deadline, deadline <= now else { return false }
            expired.append(sequence.admission.id)
            accounts.unqueued(sequence.admission.tenant)
            return true
        }
        deadlineBound = nextDeadline
        return expired
    }

    private mutating func plannedStep(now: Duration) -> StepPlan {
        var plan = StepPlan()
        swap(&plan.decode, &planMemory)
        plan.decode.removeAll(keepingCapacity: true)
        plan.decode.reserveCapacity(running.count)
        dividing = dividedStep(&plan, now: now)
        guard dividing == nil else { return plan }
        for sequence in running where sequence.canDecode { plan.decode.append(sequence.id) }
        _ = addPieces(of: promptsInTurn, to: &plan, rowLayers: prefillBudget(decodeRows: plan.decode.count))
        return plan
    }

    /// Row-layers of prompts beside so many decode rows.
    func prefillBudget(decodeRows: Int) -> Int {
        max(limits.rowLayersPerStep - decodeRows * limits.layerCount, limits.guaranteedPrefillRowLayers)
    }

    /// Adds the next pieces of the prompts in `indices` of `running`, at least one if `rowLayers` allow for it. Returns
    /// the row-layers that they take.
    func addPieces(of indices: [Int], to plan: inout StepPlan, rowLayers: Int) -> Int {
        var left = rowLayers
        for index in indices {
            guard left > 0, let piece = running[index].nextPiece(rowLayers: left, layerCount: limits.layerCount)
            else { break }
            if left < rowLayers && running[index].isCrumb(piece) { break }
            left -= piece.rows.count * piece.layers.count
            plan.prefill.append(piece)
        }
        return rowLayers - left
    }

    /// Where in `running` sequences have a prompt to read, first those whose turn it is.
    var promptsInTurn: [Int] {
        let prompts = running.indices.filter { running[$0].canPrefill }
        guard prompts.count > 1 else { return prompts }
        let turns = prompts.map { place in
            TenantAccounts.Turn(
                tenant: running[place].admission.tenant, priority: running[place].admission.priority, place: place)
        }
        return turns.sorted(by: accounts.precedes).map(\.place)
    }

    private mutating func removeRunning(at index: Int) {
        reservedBytes -= running[index].reservedBytes
        accounts.ended(running[index].admission.tenant, bytes: running[index].reservedBytes)
        running.remove(at: index)
        departureRate.recordDeparture()
    }

    private mutating func setPaused(_ id: SequenceID, _ isPaused: Bool) {
        if let index = runningIndex(of: id, guess: 0) {
            running[index].isPaused = isPaused
        } else if let place = waiting.firstIndex(where: { $0.admission.id == id }) {
            waiting[place].isPaused = isPaused
        }
    }

    /// Where `id` is in `running`. Most plans list sequences in running order, so the search starts at `guess`.
    private func runningIndex(of id: SequenceID, guess: Int) -> Int? {
        running.indices.dropFirst(guess).first { running[$0].id == id }
            ?? running.indices.prefix(guess).first { running[$0].id == id }
    }
}
