public import Generation

/// What one sequence asks of the scheduler.
public struct Admission: Sendable, Equatable {
    public let id: SequenceID
    /// At least 1.
    public let promptTokens: Int
    /// Most tokens that will be generated. The prompt's last row gives the first one, so at most `maxNewTokens - 1`
    /// decode rows are planned; with 0 the prompt is only scored.
    public let maxNewTokens: Int
    /// Whether rows of the prompt may pass all layers before the next rows do; otherwise it passes layer by layer.
    public let passesByRows: Bool
    /// Most bytes that the cache holds until the prompt's last layer is done.
    public let peakBytes: Int
    /// Most bytes that it holds from then on.
    public let steadyBytes: Int
    /// Of `startBytes`, those that a kept cache holds already, which the sequence takes over when it starts.
    public let heldBytes: Int
    /// When the sequence is dropped whether it waits or runs, on the clock of `now`; nil is never.
    public let deadline: Duration?
    /// Whose account pays for it.
    public let tenant: Tenant
    /// Higher goes first, whoever's it is.
    public let priority: Int

    public init(
        id: SequenceID, promptTokens: Int, maxNewTokens: Int, passesByRows: Bool, peakBytes: Int, steadyBytes: Int,
        deadline: Duration?, tenant: Tenant = .anonymous, priority: Int = 0, heldBytes: Int = 0
    ) {
        precondition(promptTokens > 0, "\(id) has \(promptTokens) prompt tokens")
        precondition(maxNewTokens >= 0, "\(id) may generate \(maxNewTokens) tokens")
        precondition(peakBytes >= 0 && steadyBytes >= 0, "\(id) asks for \(peakBytes) and \(steadyBytes) bytes")
        precondition((0...max(peakBytes, steadyBytes)).contains(heldBytes), "\(id) holds \(heldBytes) bytes already")
        self.heldBytes = heldBytes
        self.id = id
        self.promptTokens = promptTokens
        self.maxNewTokens = maxNewTokens
        self.passesByRows = passesByRows
        self.peakBytes = peakBytes
        self.steadyBytes = steadyBytes
        self.deadline = deadline
        (self.tenant, self.priority) = (tenant, priority)
    }

    /// Bytes reserved when the sequence starts. Reservations only ever drop, so a cache that is larger after the prompt
    /// than during it is charged in full from the start.
    public var startBytes: Int { max(peakBytes, steadyBytes) }

    /// Decode rows that follow the prompt at most.
    public var maxDecodeRows: Int { max(0, maxNewTokens - 1) }
}

/// The answer to a submitted group. Anything but `queued` leaves the scheduler as it was.
public enum SubmitDecision: Sendable, Equatable {
    /// All of the group waits; `place` sequences wait already.
    case queued(place: Int)
    /// One of the group needs more than the whole pool, or more than its tenant may ever hold (HTTP 400).
    case neverFits(neededBytes: Int, limitBytes: Int)
    /// The group has more sequences than may ever wait (HTTP 400).
    case groupTooLarge(sequences: Int, limit: Int)
    /// Too many wait now (HTTP 429); the time is estimated from how fast sequences leave.
    case queueFull(retryAfterSeconds: Int)
}
