import Generation

@testable import Scheduling

/// How often each event happens in a run, and how large things are. Every seed switches some events off, so that rare
/// combinations meet often (swarm testing).
struct SimulationWeights {
    let limits: SchedulerLimits
    let arrivalPercent: Int
    let groupPercent: Int
    let cancelPercent: Int
    let pausePercent: Int
    let byRowsPercent: Int
    let deadlinePercent: Int
    let hugePromptPercent: Int
    let neverFittingPercent: Int
    let burstPercent: Int
    /// The engine's chance to end a sequence at a token.
    let endPercent: Int
    let mostPromptTokens: Int
    let mostNewTokens: Int
    /// The service's chance to report an end some steps late.
    let lateEndPercent: Int
    /// Steps with arrivals; then the run drains.
    let busySteps: Int
    /// Whose sequences arrive: one in half of the runs.
    let tenants: [Tenant]
    let priorityPercent: Int
    /// Small sequences come in crowds, and many run at once.
    let isCrowded: Bool

    init(random: inout SimulationRandom) throws(SchedulingError) {
        func percent(_ most: Int) -> Int { random.chance(40) ? 0 : random.pick(1...most) }
        let rows = random.chance(20) ? random.pick(1...2) : random.pick(3...48)
        isCrowded = random.chance(10)
        limits = try SchedulerLimits(
            maxSequences: isCrowded ? random.pick(20...40) : random.chance(20) ? 1 : random.pick(2...9),
            maxQueuedSequences: isCrowded ? 40 : random.chance(20) ? random.pick(1...2) : random.pick(3...20),
            layerCount: random.pick(1...5),
            maxRowsPerStep: rows,
            poolBytes: random.chance(20) ? 100 : random.pick(150...1200))
        arrivalPercent = random.pick(10...80)
        groupPercent = percent(60)
        cancelPercent = percent(25)
        pausePercent = percent(25)
        byRowsPercent = random.chance(20) ? 100 : percent(100)
        deadlinePercent = percent(60)
        hugePromptPercent = percent(20)
        neverFittingPercent = percent(10)
        burstPercent = isCrowded ? 20 : percent(15)
        endPercent = isCrowded ? 0 : percent(30)
        lateEndPercent = percent(20)
        mostPromptTokens = random.pick(1...40)
        mostNewTokens = isCrowded ? 40 : random.chance(10) ? 1 : random.pick(2...20)
        busySteps = random.pick(20...(isCrowded ? 40 : 90))
        let poolBytes = limits.poolBytes
        tenants = (0..<(random.chance(50) && !isCrowded ? 1 : random.pick(2...4))).map { id in
            Tenant(
                id: id, weight: random.chance(50) ? 1 : Double(random.pick(1...8)) / 2,
                mostBytes: random.chance(70) ? nil : max(20, poolBytes / random.pick(2...4)),
                mostSequences: random.chance(70) ? nil : random.pick(1...3))
        }
        priorityPercent = percent(30)
    }

    /// A sequence of this run.
    func admission(id: UInt64, now: Duration, random: inout SimulationRandom) -> Admission {
        let tenant = tenants[isCrowded && random.chance(70) ? 0 : random.pick(0...(tenants.count - 1))]
        let isHuge = random.chance(hugePromptPercent)
        let peak =
            random.chance(neverFittingPercent)
            ? limits.poolBytes + random.pick(1...5)
            : random.pick(0...(isCrowded ? 10 : random.chance(10) ? limits.poolBytes : 100))
        return Admission(
            id: SequenceID(id &* 0x9E37_79B9_7F4A_7C15),  // an odd factor: unique, and not in order of arrival
            promptTokens: isHuge ? random.pick(100...400) : random.pick(1...mostPromptTokens),
            maxNewTokens: random.chance(10) ? 0 : random.pick(1...mostNewTokens),
            passesByRows: random.chance(byRowsPercent),
            peakBytes: peak,
            // A full cache grows after the prompt, a pruned one shrinks.
            steadyBytes: random.chance(10) ? min(limits.poolBytes, peak + 10) : random.pick(0...peak),
            deadline: random.chance(deadlinePercent) ? now + .milliseconds(random.pick(0...400)) : nil,
            tenant: tenant, priority: random.chance(priorityPercent) ? random.pick(-1...2) : 0)
    }
}
