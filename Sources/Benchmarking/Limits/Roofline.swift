/// What one measured piece of work has to move and to compute, at least.
public struct Work: Sendable, Equatable {
    /// Bytes that must be read: weights and KV cache.
    public var bytes: Int
    /// Operations of weight matrices on activations; a multiply-add counts as two.
    public var weightOperations: Double
    /// Operations of attention.
    public var attentionOperations: Double
    /// Weights are quantised, so their operations can be int8.
    public var isQuantised: Bool

    public init(bytes: Int, weightOperations: Double, attentionOperations: Double, isQuantised: Bool) {
        self.bytes = bytes
        self.weightOperations = weightOperations
        self.attentionOperations = attentionOperations
        self.isQuantised = isQuantised
    }
}

/// The least time that work takes on a machine (Williams et al., Roofline, CACM 2009).
public struct Roofline: Sendable, Equatable {
    /// What bounds the work.
    public enum Bound: String, Sendable { case memory, compute }

    public let seconds: Double
    public let bound: Bound

    /// The larger of reading everything once and computing everything. Weights count at the rate of int8 where they
    /// are quantised, else at that of f32; attention counts at that of f32.
    public init(_ work: Work, on limits: MachineLimits) {
        let reading = Double(work.bytes) / limits.readRate(workingSet: work.bytes)
        let computing =
            work.weightOperations / (work.isQuantised ? limits.integerOperations : limits.floatOperations)
            + work.attentionOperations / limits.floatOperations
        seconds = max(reading, computing)
        bound = reading >= computing ? .memory : .compute
    }
}
