import Generation

@testable import Scheduling

extension Admission {
    /// An admission that differs from a small one in what is named.
    static func with(
        _ id: UInt64, prompt: Int = 4, new: Int = 4, byRows: Bool = false, peak: Int = 10, steady: Int = 5,
        deadline: Duration? = nil, tenant: Tenant = .anonymous, priority: Int = 0
    ) -> Admission {
        Admission(
            id: SequenceID(id), promptTokens: prompt, maxNewTokens: new, passesByRows: byRows, peakBytes: peak,
            steadyBytes: steady, deadline: deadline, tenant: tenant, priority: priority)
    }
}

extension Scheduler {
    /// A scheduler with small limits, except for what is named.
    static func with(
        sequences: Int = 4, queued: Int = 8, layers: Int = 2, rows: Int = 8, pool: Int = 100
    ) throws -> Scheduler {
        Scheduler(
            limits: try SchedulerLimits(
                maxSequences: sequences, maxQueuedSequences: queued, layerCount: layers, maxRowsPerStep: rows,
                poolBytes: pool))
    }

    /// One whole step at `now`.
    @discardableResult
    mutating func step(_ now: Duration = .zero) -> ScheduledStep {
        let step = nextStep(now: now)
        completed(step.plan, now: now)
        return step
    }
}

extension PrefillPiece {
    /// A piece in short.
    static func piece(_ id: UInt64, layers: Range<Int>, rows: Range<Int>) -> PrefillPiece {
        PrefillPiece(sequence: SequenceID(id), layers: layers, rows: rows)
    }
}
