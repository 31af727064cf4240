public import Generation
public import KVCaching

/// What the server decided about the cache of one prompt's sequences, known when the request is accepted.
public struct ResolvedCache: Sendable, Equatable {
    public var policy: String
    /// Slots per layer and KV head that a sequence may hold.
    public var budgetTokens: Int
    /// Bytes of that budget.
    public var budgetBytes: Int
    /// Bytes reserved for each sequence while its prompt is read.
    public var peakBytes: Int
    /// Bytes reserved for each sequence from then on.
    public var steadyBytes: Int

    public init(_ plan: CachePlan) {
        policy = plan.policyName
        budgetTokens = plan.budgetSlots
        budgetBytes = plan.budgetBytes
        peakBytes = plan.peakBytes
        steadyBytes = plan.steadyBytes
    }
}

/// Why a submitted request was not taken, although nothing is wrong with it.
public enum Rejection: Sendable, Equatable {
    /// Too many sequences wait (HTTP 429).
    case queueFull(retryAfterSeconds: Int)
    /// There is no room now and the request does not want to wait (HTTP 429).
    case poolFull(retryAfterSeconds: Int)
    /// The service stops (HTTP 503).
    case stopping
    /// The request is no turn that its session can take.
    case session(SessionError)
    /// What `submit` would have thrown, had it known what the session holds.
    case unplannable(SubmitError)
}

/// What a request hears, in this order: first `accepted` or `rejected`; after `rejected` nothing; after `accepted` the
/// events of its choices, of which each ends with exactly one `finished`.
///
/// Events arrive on the engine thread, those of one step together. The receiver must be quick: everybody's next token
/// waits for it.
public enum ServiceEvent: Sendable, Equatable {
    /// One entry per prompt. Headers can be sent now.
    case accepted([ResolvedCache])
    case rejected(Rejection)
    /// An event of a choice of the prompt with this index.
    case token(prompt: Int, TokenEvent)
}
