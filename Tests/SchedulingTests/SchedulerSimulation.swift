import Generation

@testable import Scheduling

/// One run: the production scheduler, a fake engine, a manual clock, one thread. A pure function of its seed.
struct SchedulerSimulation {
    /// What came of a run.
    struct Report: Sendable {
        var brokenPromise: BrokenPromise?
        var step = 0
        /// Hash of every decision and plan.
        var trace: UInt64 = 0xCBF2_9CE4_8422_2325
        /// How often each thing happened, so that a test can tell that the simulation simulates.
        var counts: [String: Int] = [:]
    }

    private let weights: SimulationWeights
    private var random: SimulationRandom
    private var now = Duration.zero
    private var scheduler: MutatedScheduler
    private var engine: FakeEngine
    private var ledger: SimulationLedger
    private var resumeSteps: [SequenceID: Int] = [:]
    /// Ends that the service reports later.
    private var lateEnds: [(id: SequenceID, step: Int)] = []
    private var nextID: UInt64 = 1
    private var report = Report()

    /// Runs `seed` to its end or to the first broken promise.
    static func run(seed: UInt64, mutation: SimulationMutation? = nil) throws -> Report {
        var simulation = try SchedulerSimulation(seed: seed, mutation: mutation)
        simulation.run()
        return simulation.report
    }

    private init(seed: UInt64, mutation: SimulationMutation?) throws {
        random = SimulationRandom(seed: seed)
        weights = try SimulationWeights(random: &random)
        scheduler = try MutatedScheduler(limits: weights.limits, mutation: mutation)
        engine = FakeEngine(layerCount: weights.limits.layerCount, endPercent: weights.endPercent)
        ledger = SimulationLedger(limits: weights.limits)
    }

    private mutating func run() {
        while report.brokenPromise == nil {
            let isBusy = report.step < weights.busySteps
            if !isBusy && ledger.liveIDs.isEmpty { break }
            if isBusy { happen() }
            resumeReaders(all: !isBusy)
            takeStep()
            report.step += 1
        }
        if report.brokenPromise == nil, !scheduler.isEmpty || scheduler.statistics.reservedBytes != 0 {
            fail(BrokenPromise(.reservedBytes, "something is left at the end"))
        }
    }

    // MARK: Events

    private mutating func happen() {
        if random.chance(weights.arrivalPercent) { arrive() }
        if random.chance(weights.burstPercent) { for _ in 0..<random.pick(3...12) { arrive() } }
        if random.chance(weights.cancelPercent), let id = ledger.liveIDs.randomElement(using: &random) {
            count("cancel")
            end(id)
        }
        if random.chance(weights.pausePercent), let id = ledger.liveIDs.randomElement(using: &random) {
            count("pause")
            resumeSteps[id] = report.step + random.pick(1...15)
            scheduler.pause(id)
            ledger.setPaused(id, true)
        }
    }

    private mutating func arrive() {
        guard report.brokenPromise == nil else { return }
        let size = random.chance(weights.groupPercent) ? random.pick(2...6) : 1
        var group: [Admission] = []
        for _ in 0..<size {
            group.append(weights.admission(id: nextID, now: now, random: &random))
            if group.last?.tenant.id != 0 { count("otherTenant") }
            nextID += 1
        }
        let waiting = scheduler.statistics.waiting
        ledger.advance(to: now)
        let decision = scheduler.submit(group, now: now)
        fail(ledger.check(decision, for: group))
        switch decision {
        case .queued(let place):
            count("queued")
            trace(UInt64(place))
        case .neverFits: count("neverFits")
        case .groupTooLarge: count("groupTooLarge")
        case .queueFull(let seconds):
            count("queueFull")
            trace(UInt64(seconds))
        }
        if case .queued = decision { return }
        if scheduler.statistics.waiting != waiting {
            fail(BrokenPromise(.wholeGroup, "a part of a rejected group waits"))
        }
    }

    private mutating func resumeReaders(all: Bool) {
        for id in ledger.pausedIDs where all || resumeSteps[id, default: 0] <= report.step {
            scheduler.resume(id)
            ledger.setPaused(id, false)
        }
    }

    /// Ends a sequence from outside of the scheduler; its bytes must be free when the call returns.
    private mutating func end(_ id: SequenceID) {
        scheduler.finish(id, now: now)
        ledger.remove(id)
        engine.release(id)
        if let broken = ledger.check(scheduler.statistics) {
            fail(BrokenPromise(.freedAtOnce, "after the end of \(id): \(broken.text)"))
        }
    }

    // MARK: A step

    private mutating func takeStep() {
        let hadWork = scheduler.hasWork
        let step = scheduler.nextStep(now: now)
        fail(ledger.checkStart(step, now: now))
        fail(ledger.check(step.plan))
        if step.expired.isEmpty, hadWork == (step.plan.isEmpty && step.started.isEmpty) {
            fail(BrokenPromise(.hasWork, "hasWork was \(hadWork)"))
        }
        checkBooks()
        guard report.brokenPromise == nil else { return }
        for id in step.expired { engine.release(id) }
        for id in step.started { if let admission = ledger.admission(of: id) { engine.admit(admission) } }
        record(step)
        let outcome = engine.run(step.plan, random: &random)
        fail(outcome.brokenPromise)
        guard report.brokenPromise == nil else { return }
        now += step.plan.isEmpty ? .milliseconds(random.pick(1...60)) : outcome.cost
        ledger.advance(to: now)
        // The service may end sequences before or after it reports the step.
        let endsFirst = random.chance(50)
        if endsFirst { reportEnds(outcome.ended) }
        scheduler.completed(now: now)
        ledger.complete(step.plan)
        if !endsFirst { reportEnds(outcome.ended) }
        fail(ledger.checkBound())
        checkBooks()
    }

    private mutating func reportEnds(_ ended: [SequenceID]) {
        for id in ended {
            if random.chance(weights.lateEndPercent) {
                lateEnds.append((id, report.step + random.pick(1...2)))
            } else {
                end(id)
            }
        }
        for late in lateEnds where late.step <= report.step { end(late.id) }
        lateEnds.removeAll { $0.step <= report.step }
    }

    private mutating func checkBooks() {
        fail(scheduler.brokenInvariant().map { BrokenPromise(.ownBooks, $0) })
        fail(ledger.check(scheduler.statistics))
        fail(ledger.check(nextDeadline: scheduler.nextDeadline))
    }

    private mutating func fail(_ broken: BrokenPromise?) {
        if report.brokenPromise == nil { report.brokenPromise = broken }
    }

    // MARK: The trace

    private mutating func record(_ step: ScheduledStep) {
        for id in step.started + step.expired + step.plan.decode { trace(id.rawValue) }
        for piece in step.plan.prefill {
            trace(piece.sequence.rawValue)
            trace(UInt64(piece.layers.lowerBound) << 32 | UInt64(piece.layers.upperBound))
            trace(UInt64(piece.rows.lowerBound) << 32 | UInt64(piece.rows.upperBound))
            let isByRows = ledger.admission(of: piece.sequence)?.passesByRows == true
            count(
                isByRows
                    ? (piece.rows.lowerBound > 0 ? "laterRows" : "firstRows")
                    : piece.layers.count > 1 ? "layers" : piece.rows.lowerBound > 0 ? "partOfLayer" : "layer")
        }
        count("turns", ledger.sittingOut(step.plan))
        count("expired", step.expired.count)
        count("started", step.started.count)
        count("decode", step.plan.decode.count)
        if step.plan.decode.count > 3 * weights.limits.maxRowsPerStep / 4 && !step.plan.prefill.isEmpty {
            count("guaranteedPrefill")
        }
    }

    private mutating func trace(_ value: UInt64) {
        report.trace = (report.trace ^ value) &* 0x0000_0100_0000_01B3
    }

    private mutating func count(_ what: String, _ amount: Int = 1) {
        report.counts[what, default: 0] += amount
    }
}
