import Generation

@testable import Scheduling

/// The checkers' own books: what is true of every sequence, kept apart from the scheduler's.
struct SimulationLedger {
    private struct Entry {
        let admission: Admission
        /// The step at which it must have ended, not counting steps in which somebody was paused.
        var lastStep: Int
        var isPaused = false
        /// Row-layers of the prompt that are done.
        var promptRowLayers = 0
        var decodeRows = 0
        /// Steps since its last row in which it could have had one.
        var stepsWithoutRow = 0
    }

    let limits: SchedulerLimits
    private var entries: [SequenceID: Entry] = [:]
    private var waiting: [SequenceID] = []
    private var running: [SequenceID] = []
    private var step = 0
    private var pausedSteps = 0
    private var accounts = SimulationAccounts()
    /// Of the running sequences, for the plan that is checked.
    private var standings: [SequenceID: SimulationAccounts.Standing] = [:]
    /// In the last step somebody behind could have had a row and nobody behind had one.
    private var hasSatOut = false

    init(limits: SchedulerLimits) { self.limits = limits }

    var liveIDs: [SequenceID] { running + waiting }
    var pausedIDs: [SequenceID] { liveIDs.filter { entries[$0]?.isPaused == true } }
    var runningIDs: [SequenceID] { running }

    func isRunning(_ id: SequenceID) -> Bool { running.contains(id) }
    func admission(of id: SequenceID) -> Admission? { entries[id]?.admission }

    /// Sequences that could have a row of the step and have none.
    func sittingOut(_ plan: StepPlan) -> Int { decodable.count { !plan.decode.contains($0) } }

    // MARK: What happens

    mutating func remove(_ id: SequenceID) {
        entries[id] = nil
        waiting.removeAll { $0 == id }
        running.removeAll { $0 == id }
    }

    mutating func setPaused(_ id: SequenceID, _ isPaused: Bool) {
        entries[id]?.isPaused = isPaused
        // It may have been passed over, so everybody can be ahead of it.
        let lastStep = lastStepAfterAll
        if !isPaused && waiting.contains(id) { entries[id]?.lastStep = lastStep }
    }

    mutating func complete(_ plan: StepPlan) {
        for id in plan.decode { entries[id]?.decodeRows += 1 }
        for piece in plan.prefill {
            entries[piece.sequence]?.promptRowLayers += piece.layers.count * piece.rows.count
        }
        step += 1
        if !pausedIDs.isEmpty { pausedSteps += 1 }
    }

    // MARK: Checkers

    /// Brings the accounts to `now`; called before anything changes what is held.
    mutating func advance(to now: Duration) {
        let held = running.compactMap { id in
            entries[id].map { (tenant: $0.admission.tenant, bytes: reservedBytes(of: id)) }
        }
        accounts.advance(to: now, held: held, active: activeTenants)
    }

    /// The decision is the one that the limits call for; a queued group is entered into the books.
    mutating func check(_ decision: SubmitDecision, for group: [Admission]) -> BrokenPromise? {
        let tooLarge = group.first { $0.startBytes > min(limits.poolBytes, $0.tenant.mostBytes ?? .max) }
        let excess = waiting.count + group.count - mostWaiting(beside: group[0].tenant)
        switch decision {
        case .queued(let place):
            if let needed = tooLarge?.startBytes { return BrokenPromise(.decisions, "\(needed) bytes were queued") }
            if excess > 0 { return BrokenPromise(.queueLimit, "\(excess) sequences above the limit wait") }
            if place != waiting.count { return BrokenPromise(.decisions, "place \(place) of \(waiting.count)") }
            for admission in group { enter(admission) }
            return nil
        case .neverFits(let neededBytes, let limit):
            if let tooLarge, neededBytes == tooLarge.startBytes,
                limit == min(limits.poolBytes, tooLarge.tenant.mostBytes ?? .max)
            {
                return nil
            }
        case .groupTooLarge(let sequences, let limit):
            if sequences == group.count, limit == limits.maxQueuedSequences, sequences > limit { return nil }
        case .queueFull(let seconds):
            if !(1...120).contains(seconds) { return BrokenPromise(.retryAfter, "retry after \(seconds) s") }
            if excess > 0 { return nil }
        }
        return BrokenPromise(.decisions, "\(decision) for \(group.count) sequences of \(group.map(\.startBytes)) bytes")
    }

    /// Gauges and bytes agree with the books.
    func check(_ statistics: SchedulerStatistics) -> BrokenPromise? {
        let reserved = reservedBytes
        if statistics.reservedBytes != reserved {
            return BrokenPromise(.reservedBytes, "\(statistics.reservedBytes) are reserved, footprints are \(reserved)")
        }
        let expected = SchedulerStatistics(
            running: running.count, waiting: waiting.count,
            prefilling: running.count { !isPromptDone($0) },
            paused: running.count { entries[$0]?.isPaused == true },
            reservedBytes: reserved)
        return statistics == expected ? nil : BrokenPromise(.gauges, "\(statistics) instead of \(expected)")
    }

    /// The next deadline is the earliest of the live ones.
    func check(nextDeadline: Duration?) -> BrokenPromise? {
        let earliest = entries.values.compactMap(\.admission.deadline).min()
        return nextDeadline == earliest
            ? nil
            : BrokenPromise(
                .wakeUp, "wakes at \(String(describing: nextDeadline)), not \(String(describing: earliest))")
    }

    /// Exactly the sequences past their deadline expire, then exactly those start whose turn it is and that fit.
    mutating func checkStart(_ scheduled: ScheduledStep, now: Duration) -> BrokenPromise? {
        let due = entries.values.filter { ($0.admission.deadline ?? .seconds(1 << 40)) <= now }.map(\.admission.id)
        if Set(due) != Set(scheduled.expired) || due.count != scheduled.expired.count {
            return BrokenPromise(.deadlines, "\(scheduled.expired) expired, due were \(due)")
        }
        for id in scheduled.expired { remove(id) }
        for id in scheduled.started {
            if let broken = checkTurn(of: id) { return broken }
            waiting.removeAll { $0 == id }
            running.append(id)
            if running.count > limits.maxSequences { return BrokenPromise(.runningLimit, "\(running.count) run") }
            if reservedBytes > limits.poolBytes {
                return BrokenPromise(.poolLimit, "\(reservedBytes) bytes of \(limits.poolBytes) are reserved")
            }
        }
        let next = headsWithRoom.filter { head in !headsWithRoom.contains { mustPrecede($0, head, in: waiting) } }
        if running.count < limits.maxSequences, !next.isEmpty,
            next.allSatisfy({ reservedBytes + startBytes(of: $0) <= limits.poolBytes })
        {
            return BrokenPromise(.startsWhenItFits, "\(next) wait for nothing")
        }
        return nil
    }

    private func checkTurn(of id: SequenceID) -> BrokenPromise? {
        guard let tenant = entries[id]?.admission.tenant else {
            return BrokenPromise(.startsInTurn, "\(id) started and is not here")
        }
        if !hasRoom(tenant, for: id) { return BrokenPromise(.tenantLimit, "\(id) started for \(tenant)") }
        let heads = headsWithRoom
        if !heads.contains(id) { return BrokenPromise(.startsInTurn, "\(id) started before its tenant's \(heads)") }
        return heads.first { mustPrecede($0, id, in: waiting) }
            .map { BrokenPromise(.startsInTurn, "\(id) started before \($0)") }
    }

    /// Of each tenant the sequence that would be its next, where the tenant may hold it.
    private var headsWithRoom: [SequenceID] {
        let candidates = waiting.filter { entries[$0]?.isPaused == false }
        let heads = candidates.filter { id in
            !candidates.contains { tenantID(of: $0) == tenantID(of: id) && mustPrecede($0, id, in: waiting) }
        }
        return heads.filter { id in (entries[id]?.admission.tenant).map { hasRoom($0, for: id) } ?? false }
    }

    private func hasRoom(_ tenant: Tenant, for id: SequenceID) -> Bool {
        let own = running.filter { tenantID(of: $0) == tenant.id }
        let held = own.reduce(0) { $0 + reservedBytes(of: $1) }
        return own.count < tenant.mostSequences ?? .max && held + startBytes(of: id) <= tenant.mostBytes ?? .max
            && (own.isEmpty || leavesReserve(startBytes(of: id)))
    }

    /// Who has something running leaves an eighth to those who have nothing.
    private func leavesReserve(_ bytes: Int) -> Bool {
        let busy = Set(running.compactMap { tenantID(of: $0) })
        guard accounts.known.count > 1, !accounts.known.isSubset(of: busy) else { return true }
        let seats = limits.maxSequences - (limits.maxSequences < 4 ? 0 : max(1, limits.maxSequences / 8))
        return running.count < seats && reservedBytes + bytes <= limits.poolBytes - limits.poolBytes / 8
    }

    private func mostWaiting(beside tenant: Tenant) -> Int {
        let most = limits.maxQueuedSequences
        let hasWaiting = waiting.contains { tenantID(of: $0) == tenant.id }
        return hasWaiting && accounts.known.count > 1 && most >= 4 ? most - max(1, most / 8) : most
    }

    private var activeTenants: Set<Int> { Set(entries.values.map(\.admission.tenant.id)) }

    private func tenantID(of id: SequenceID) -> Int? { entries[id]?.admission.tenant.id }
    private func startBytes(of id: SequenceID) -> Int { entries[id]?.admission.startBytes ?? 0 }

    /// Whether `left` must go before `right`, both of `order`.
    private func mustPrecede(_ left: SequenceID, _ right: SequenceID, in order: [SequenceID]) -> Bool {
        guard left != right, let first = entries[left]?.admission, let second = entries[right]?.admission,
            let place = order.firstIndex(of: left), let other = order.firstIndex(of: right)
        else { return false }
        return accounts.mustPrecede(first, second, isEarlier: place < other)
    }

    /// Everything a plan promises.
    mutating func check(_ plan: StepPlan) -> BrokenPromise? {
        let active = activeTenants
        standings = Dictionary(
            uniqueKeysWithValues: running.map { id in
                (id, entries[id].map { accounts.standing(of: $0.admission, active: active) } ?? .eitherWay)
            })
        return checkMembers(plan) ?? checkSize(plan) ?? checkProgress(plan) ?? checkTurns(plan)
    }

    /// Nobody is still here long after all the work ahead of it and its own.
    func checkBound() -> BrokenPromise? {
        for (id, entry) in entries where step - pausedSteps > entry.lastStep {
            return BrokenPromise(.boundedEnd, "\(id) had to end by step \(entry.lastStep)")
        }
        return nil
    }

    // MARK: Parts

    private func checkMembers(_ plan: StepPlan) -> BrokenPromise? {
        let members = plan.decode + plan.prefill.map(\.sequence)
        if Set(members).count != members.count { return BrokenPromise(.oncePerPlan, "\(members)") }
        for id in members {
            guard let entry = entries[id], running.contains(id) else {
                return BrokenPromise(.onlyLivePlanned, "\(id) does not run")
            }
            if entry.isPaused { return BrokenPromise(.pausedIsNotPlanned, "\(id) is paused") }
        }
        for id in plan.decode {
            if !isPromptDone(id) { return BrokenPromise(.decodesAfterPrompt, "\(id)") }
            if !hasDecodeRowsLeft(id) { return BrokenPromise(.tokenLimit, "\(id) has all its tokens") }
        }
        return nil
    }

    private func checkSize(_ plan: StepPlan) -> BrokenPromise? {
        let prefill = plan.prefill.reduce(0) { $0 + $1.layers.count * $1.rows.count }
        let decode = plan.decode.count * limits.layerCount
        let budget = limits.maxRowsPerStep * limits.layerCount
        let most = max(budget - decode, guaranteedRowLayers)
        return prefill <= most ? nil : BrokenPromise(.rowsPerStep, "\(prefill) row-layers of prompts, \(most) allowed")
    }

    private func checkProgress(_ plan: StepPlan) -> BrokenPromise? {
        let decode = Set(plan.decode)
        let due = decodable.filter { standing(of: $0) == .ahead }
        if let left = due.first(where: { !decode.contains($0) }) {
            return BrokenPromise(.tokenEveryStep, "\(left) is none of \(plan.decode.count) that decode")
        }
        let planned = plan.prefill.map(\.sequence)
        let prompts = readable.filter { standing(of: $0) == .ahead }
        if let first = prompts.first, !prompts.contains(where: planned.contains) {
            return BrokenPromise(.promptProgress, "\(prompts.count) prompts stand still, the first is \(first)")
        }
        for standing in [SimulationAccounts.Standing.ahead, .behind] {
            let planned = planned.filter { self.standing(of: $0) == standing }
            let prompts = readable.filter { self.standing(of: $0) == standing }
            let places = Dictionary(uniqueKeysWithValues: planned.enumerated().map { ($1, $0) })
            for (place, id) in planned.enumerated() {
                let later = prompts.filter { places[$0, default: .max] > place }
                if let passed = later.first(where: { mustPrecede($0, id, in: running) }) {
                    return BrokenPromise(.promptsInTurn, "\(planned) of \(prompts): \(passed) was passed over")
                }
            }
        }
        return nil
    }

    /// Who is behind has few rows of a step, and nobody behind waits long for one.
    private mutating func checkTurns(_ plan: StepPlan) -> BrokenPromise? {
        let decoding = decodable.filter { standing(of: $0) == .behind }
        let prompts = readable.filter { standing(of: $0) == .behind }
        let rows = Set(plan.decode).intersection(decoding)
        let pieces = plan.prefill.filter { prompts.contains($0.sequence) }
        let rowLayers = pieces.reduce(rows.count * limits.layerCount) { $0 + $1.layers.count * $1.rows.count }
        let others = plan.decode.filter { !rows.contains($0) }.reduce(into: [:]) { counts, id in
            counts[tenantID(of: id), default: 0] += 1
        }
        if rowLayers > max(16, others.values.max() ?? 0) * limits.layerCount {
            return BrokenPromise(.shortTurns, "\(rowLayers) row-layers of \(decoding.count) that are behind")
        }
        let isOut = rowLayers == 0 && !decoding.isEmpty
        defer { hasSatOut = isOut }
        if isOut && hasSatOut { return BrokenPromise(.turns, "\(decoding.count) sit out twice") }
        if !isOut && !prompts.isEmpty && pieces.isEmpty && hasRowLeft(plan) && !rows.isEmpty {
            return BrokenPromise(.promptProgress, "\(prompts.count) prompts behind stand still")
        }
        let decode = Set(plan.decode)
        for id in decodable {
            let steps = decode.contains(id) ? 0 : (entries[id]?.stepsWithoutRow ?? 0) + 1
            entries[id]?.stepsWithoutRow = steps
            if steps > 2 * running.count * accounts.known.count {
                return BrokenPromise(.turns, "\(id) had no row in \(steps) steps")
            }
        }
        return nil
    }

    private func hasRowLeft(_ plan: StepPlan) -> Bool {
        let prefill = plan.prefill.reduce(0) { $0 + $1.layers.count * $1.rows.count }
        let budget = (limits.maxRowsPerStep - plan.decode.count) * limits.layerCount
        return max(budget, guaranteedRowLayers) - prefill >= limits.layerCount
    }

    /// Running sequences that could have a decode row.
    private var decodable: [SequenceID] {
        running.filter { isPromptDone($0) && hasDecodeRowsLeft($0) && entries[$0]?.isPaused == false }
    }

    /// Running sequences whose prompt could be read on.
    private var readable: [SequenceID] { running.filter { !isPromptDone($0) && entries[$0]?.isPaused == false } }

    private func standing(of id: SequenceID) -> SimulationAccounts.Standing { standings[id] ?? .eitherWay }

    /// Sequences of several tenants came: nobody's work is ahead of nobody's.
    private var isShared: Bool { accounts.known.count > 1 }

    private mutating func enter(_ admission: Admission) {
        let wasShared = isShared
        accounts.enter(admission, active: activeTenants)
        if isShared && !wasShared { loosenBounds() }
        let steps = mostSteps(of: admission)
        let own = lastStepAfterAll + steps
        // It may go before those that are here, unless it is of their tenant and no more urgent.
        for (id, entry) in entries
        where isShared || entry.admission.priority < admission.priority {
            entries[id]?.lastStep += steps
        }
        entries[admission.id] = Entry(admission: admission, lastStep: own)
        waiting.append(admission.id)
    }

    /// From now on everybody may have to take turns.
    private mutating func loosenBounds() {
        let last = lastStepAfterAll
        for id in entries.keys { entries[id]?.lastStep = last }
    }

    /// When all that are here must have ended.
    private var lastStepAfterAll: Int {
        entries.values.reduce(step - pausedSteps) { $0 + mostSteps(of: $1.admission) }
    }

    /// Steps of a sequence that runs alone with the least that prompts are guaranteed.
    private func mostSteps(of admission: Admission) -> Int {
        // By turns: a row through all layers at a time.
        if isShared { return admission.promptTokens + limits.layerCount + admission.maxNewTokens + 4 }
        let (rows, guaranteed) = (admission.promptTokens, guaranteedRowLayers)
        let rowsPerStep = admission.passesByRows ? guaranteed / limits.layerCount : guaranteed
        let steps = (rows + rowsPerStep - 1) / rowsPerStep * (admission.passesByRows ? 1 : limits.layerCount)
        return steps + admission.maxNewTokens + 4
    }

    private var guaranteedRowLayers: Int {
        max(limits.layerCount, limits.maxRowsPerStep * limits.layerCount / 4)
    }

    private var reservedBytes: Int { running.reduce(0) { $0 + reservedBytes(of: $1) } }

    private func reservedBytes(of id: SequenceID) -> Int {
        guard let admission = entries[id]?.admission else { return 0 }
        return isPromptDone(id) ? admission.steadyBytes : max(admission.peakBytes, admission.steadyBytes)
    }

    private func isPromptDone(_ id: SequenceID) -> Bool {
        guard let entry = entries[id] else { return false }
        return entry.promptRowLayers >= entry.admission.promptTokens * limits.layerCount
    }

    private func hasDecodeRowsLeft(_ id: SequenceID) -> Bool {
        guard let entry = entries[id] else { return false }
        return entry.decodeRows < entry.admission.maxNewTokens - 1
    }
}
