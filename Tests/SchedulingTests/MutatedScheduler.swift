import Generation

@testable import Scheduling

/// The production scheduler, with at most one planted mistake between it and the simulation.
struct MutatedScheduler {
    private var scheduler: Scheduler
    private let mutation: SimulationMutation?
    /// What the scheduler itself planned; it would stop at a plan that it did not make.
    private var plan = StepPlan()
    private var heldBack: [SequenceID] = []
    private var lastEnded: SequenceID?

    init(limits: SchedulerLimits, mutation: SimulationMutation?) throws(SchedulingError) {
        self.mutation = mutation
        scheduler = Scheduler(
            limits: try SchedulerLimits(
                maxSequences: limits.maxSequences + (mutation == .oneSequenceTooMany ? 1 : 0),
                maxQueuedSequences: limits.maxQueuedSequences + (mutation == .oneQueuedTooMany ? 1 : 0),
                layerCount: limits.layerCount,
                maxRowsPerStep: limits.maxRowsPerStep + (mutation == .oneRowTooMany ? 1 : 0),
                poolBytes: limits.poolBytes * (mutation == .poolTwiceAsLarge ? 2 : 1)))
    }

    mutating func submit(_ group: [Admission], now: Duration) -> SubmitDecision {
        let decision = scheduler.submit(group.map(mutated), now: now)
        switch (mutation, decision) {
        case (.groupIsTornApart, .queueFull) where group.count > 1: _ = scheduler.submit([group[0]], now: now)
        case (.retryAfterZero, .queueFull): return .queueFull(retryAfterSeconds: 0)
        default: break
        }
        return decision
    }

    mutating func nextStep(now: Duration) -> ScheduledStep {
        for id in heldBack { scheduler.finish(id, now: now) }
        heldBack = []
        var step =
            switch mutation {
            case .deadlineLate: planStep(now: now - .milliseconds(1))
            case .deadlineEarly: planStep(now: now + .milliseconds(1))
            default: planStep(now: now)
            }
        plan = step.plan
        mutate(&step.plan)
        switch mutation {
        case .crumbs, .noTurns, .sitsOutForEver, .youngestTurnFirst: plan = step.plan
        default: break
        }
        if mutation == .ownBooksOff && !step.started.isEmpty { scheduler.reservedBytes += 1 }
        return step
    }

    mutating func completed(now: Duration) { scheduler.completed(plan, now: now) }

    mutating func finish(_ id: SequenceID, now: Duration) {
        lastEnded = id
        if mutation == .bytesKeptOnCancel {
            heldBack.append(id)
        } else {
            scheduler.finish(id, now: now)
        }
    }

    mutating func pause(_ id: SequenceID) {
        if mutation != .pauseIgnored { scheduler.pause(id) }
    }

    mutating func resume(_ id: SequenceID) { scheduler.resume(id) }

    var hasWork: Bool { mutation == .neverHasWork ? false : scheduler.hasWork }
    var isEmpty: Bool { scheduler.isEmpty }
    var nextDeadline: Duration? {
        mutation == .wakesLate ? scheduler.nextDeadline.map { $0 + .milliseconds(1) } : scheduler.nextDeadline
    }

    var statistics: SchedulerStatistics {
        var statistics = scheduler.statistics
        if mutation == .gaugeOff && statistics.prefilling > 0 { statistics.prefilling -= 1 }
        return statistics
    }

    func brokenInvariant() -> String? { scheduler.brokenInvariant() }

    private func mutated(_ admission: Admission) -> Admission {
        var peak = admission.peakBytes
        var steady = admission.steadyBytes
        switch mutation {
        case .oversizedIsQueued: (peak, steady) = (min(peak, scheduler.limits.poolBytes), min(steady, 100))
        case .bytesKeptAfterPrompt: steady = max(peak, steady)
        default: break
        }
        return Admission(
            id: admission.id, promptTokens: admission.promptTokens,
            maxNewTokens: admission.maxNewTokens + (mutation == .oneTokenTooMany ? 1 : 0),
            passesByRows: admission.passesByRows, peakBytes: peak, steadyBytes: steady, deadline: admission.deadline,
            tenant: mutated(admission.tenant), priority: mutation == .priorityIgnored ? 0 : admission.priority)
    }

    private func mutated(_ tenant: Tenant) -> Tenant {
        Tenant(
            id: mutation == .oneAccountForAll || mutation == .reserveIgnored ? 0 : tenant.id,
            weight: mutation == .weightIgnored ? 1 : tenant.weight,
            mostBytes: mutation == .byteCapIgnored ? nil : tenant.mostBytes,
            mostSequences: mutation == .sequenceCapIgnored ? nil : tenant.mostSequences)
    }

    private mutating func planStep(now: Duration) -> ScheduledStep {
        let isPassedOver: Bool =
            switch mutation {
            case .overtakes: scheduler.waiting.count > 1
            case .startsLate: scheduler.waiting.count == 1
            default: false
            }
        guard isPassedOver, let head = scheduler.waiting.first, !head.isPaused else {
            return scheduler.nextStep(now: now)
        }
        scheduler.pause(head.admission.id)
        defer { scheduler.resume(head.admission.id) }
        return scheduler.nextStep(now: now)
    }

    private func mutate(_ plan: inout StepPlan) {
        switch mutation {
        case .decodedTwice: plan.decode += plan.decode.prefix(1)
        case .endedIsPlanned: plan.decode += lastEnded.map { [$0] } ?? []
        case .decodesTooEarly:
            if !plan.prefill.isEmpty { plan.decode.append(plan.prefill.removeFirst().sequence) }
        case .youngestPromptFirst: if plan.prefill.count > 1 { plan.prefill.removeFirst() }
        case .starvesPrompts: if !plan.decode.isEmpty { plan.prefill = [] }
        case .skipsDecode: if plan.decode.count > 1 { plan.decode.removeLast() }
        case .orderByChance: plan.decode.shuffle()
        case .noTurns: plan.decode = scheduler.running.filter(\.canDecode).map(\.id)
        case .sitsOutForEver:
            let behind = sequencesBehind.map(\.id)
            plan.decode.removeAll(where: behind.contains)
            plan.prefill.removeAll { behind.contains($0.sequence) }
        case .youngestTurnFirst:
            let behind = sequencesBehind.filter(\.canDecode).sorted { $0.lastTurn > $1.lastTurn }.map(\.id)
            let rows = plan.decode.count(where: behind.contains)
            plan.decode.removeAll(where: behind.contains)
            plan.decode += behind.prefix(rows)
        default: for index in plan.prefill.indices { mutate(&plan.prefill[index]) }
        }
    }

    private func mutate(_ piece: inout PrefillPiece) {
        let layer = piece.layers.lowerBound
        let row = piece.rows.lowerBound
        switch mutation {
        case .skipsLayer where piece.layers.upperBound < scheduler.limits.layerCount:
            piece.layers = (layer + 1)..<(piece.layers.upperBound + 1)
        case .skipsRow where piece.rows.count > 1: piece.rows = (row + 1)..<piece.rows.upperBound
        case .splitRowsThroughLayers where piece.layers.count > 1 && piece.rows.count > 1 && !passesByRows(piece):
            piece.rows = row..<(piece.rows.upperBound - 1)
        case .splitsLayersByRows where piece.layers.count > 1 && passesByRows(piece):
            piece.layers = layer..<(piece.layers.upperBound - 1)
        case .crumbs:
            if !passesByRows(piece) { piece.layers = layer..<(layer + 1) }
            piece.rows = row..<(row + 1)
        default: break
        }
    }

    private var sequencesBehind: [RunningSequence] {
        guard let division = scheduler.accounts.division else { return [] }
        return scheduler.running.filter { division.isBehind($0.admission) }
    }

    private func passesByRows(_ piece: PrefillPiece) -> Bool {
        scheduler.running.first { $0.id == piece.sequence }?.admission.passesByRows == true
    }
}
