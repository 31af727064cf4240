public import Generation

/// What one call of `Scheduler.nextStep` decided.
public struct ScheduledStep: Sendable, Equatable {
    /// Admitted now, in order: their bytes are reserved.
    public var started: [SequenceID]
    /// Their deadline has passed; already removed, their bytes already free.
    public var expired: [SequenceID]
    /// What to compute. Empty when everybody is paused, waits for bytes or has ended.
    public var plan: StepPlan

    public init(started: [SequenceID], expired: [SequenceID], plan: StepPlan) {
        self.started = started
        self.expired = expired
        self.plan = plan
    }
}

/// Gauges of the scheduler.
public struct SchedulerStatistics: Sendable, Equatable {
    /// Sequences with a reservation: prefilling, decoding and paused ones.
    public var running: Int
    /// Sequences in the queue.
    public var waiting: Int
    /// Of the running ones, those whose prompt is not done.
    public var prefilling: Int
    /// Of the running ones, those whose reader is slow.
    public var paused: Int
    /// Sum of the running ones' reservations.
    public var reservedBytes: Int
    /// Bytes of kept caches.
    public var heldBytes: Int
    /// Bytes that running sequences share, beside their reservations.
    public var sharedBytes: Int

    public init(
        running: Int, waiting: Int, prefilling: Int, paused: Int, reservedBytes: Int, heldBytes: Int = 0,
        sharedBytes: Int = 0
    ) {
        self.sharedBytes = sharedBytes
        self.running = running
        self.waiting = waiting
        self.prefilling = prefilling
        self.paused = paused
        self.reservedBytes = reservedBytes
        self.heldBytes = heldBytes
    }
}
