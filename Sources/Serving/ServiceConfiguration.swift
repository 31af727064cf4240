public import Generation
public import KVCaching
public import Scheduling

/// What the service must know of the model and of its limits.
public struct ServiceConfiguration: Sendable {
    /// Seats, queue, step size and pool.
    public var limits: SchedulerLimits
    /// Tokens of prompt and output together.
    public var contextLength: Int
    public var vocabularySize: Int
    /// The dimensions that decide what a cache costs.
    public var cacheShape: CacheShape
    /// Whether the model's positions are rotary (see `PolicyTable.plan`).
    public var usesRoPE: Bool
    /// Fills what a request's `kv_cache` leaves out.
    public var cacheDefaults = KVCacheRequest()
    /// What a request without room gets that says nothing about it.
    public var onPoolFull = PoolFullChoice.queue
    /// How long a sequence may wait for its start; it then ends with `deadline`. nil: for ever.
    public var queueTimeout: Duration?
    public var sessions = SessionLimits()
    public var prefixes = PrefixLimits()
    /// Most requests that wait to be looked at by the engine thread.
    public var inboxCapacity = 1024

    public init(
        limits: SchedulerLimits, contextLength: Int, vocabularySize: Int, cacheShape: CacheShape, usesRoPE: Bool
    ) {
        precondition(
            limits.layerCount == cacheShape.layerCount,
            "the scheduler counts \(limits.layerCount) layers, the cache \(cacheShape.layerCount)")
        precondition(contextLength > 0 && vocabularySize > 0, "context \(contextLength), vocabulary \(vocabularySize)")
        self.limits = limits
        self.contextLength = contextLength
        self.vocabularySize = vocabularySize
        self.cacheShape = cacheShape
        self.usesRoPE = usesRoPE
    }
}
