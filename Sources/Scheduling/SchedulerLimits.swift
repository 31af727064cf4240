/// What the scheduler may hand out, checked once where the value is born.
///
/// Work is counted in *row-layers*: one row of hidden state through one layer. A decode row passes every layer, a
/// prefill piece is `rows x layers`. A step's size bounds the inter-token latency of everybody in it.
public struct SchedulerLimits: Sendable, Equatable {
    /// Most sequences that run at once: prefilling, decoding and paused ones.
    public let maxSequences: Int
    /// Most sequences that wait. A larger group can never be queued.
    public let maxQueuedSequences: Int
    /// Layers of the model.
    public let layerCount: Int
    /// Rows per step, each through all layers: `maxRowsPerStep * layerCount` row-layers.
    public let maxRowsPerStep: Int
    /// Bytes of KV cache that may be reserved at once.
    public let poolBytes: Int

    /// Throws `outOfRange` naming the limit.
    public init(
        maxSequences: Int, maxQueuedSequences: Int, layerCount: Int, maxRowsPerStep: Int, poolBytes: Int
    ) throws(SchedulingError) {
        try Self.check("max_sequences", maxSequences, 1...65_536)
        try Self.check("max_queued_sequences", maxQueuedSequences, 1...1_048_576)
        try Self.check("layer_count", layerCount, 1...65_536)
        try Self.check("max_rows_per_step", maxRowsPerStep, 1...1_048_576)
        try Self.check("pool_bytes", poolBytes, 1...Int.max)
        self.maxSequences = maxSequences
        self.maxQueuedSequences = maxQueuedSequences
        self.layerCount = layerCount
        self.maxRowsPerStep = maxRowsPerStep
        self.poolBytes = poolBytes
    }

    /// A step's budget.
    public var rowLayersPerStep: Int { maxRowsPerStep * layerCount }

    /// What prompts get in a step even when decode rows alone fill the budget: a quarter of it, at least
    /// one row through all layers.
    public var guaranteedPrefillRowLayers: Int { max(layerCount, rowLayersPerStep / 4) }

    /// Most row-layers of a step with `decodeRows` decode rows. Above `rowLayersPerStep` only when decode rows take
    /// more than three quarters of it while a prompt waits.
    public func mostRowLayers(decodeRows: Int) -> Int {
        max(rowLayersPerStep, decodeRows * layerCount + guaranteedPrefillRowLayers)
    }

    private static func check(
        _ limit: String, _ value: Int, _ allowed: ClosedRange<Int>
    ) throws(SchedulingError) {
        guard allowed.contains(value) else {
            throw .outOfRange(limit: limit, value: value, allowed: allowed)
        }
    }
}
