internal import Kernels

/// What one thread needs to work on lanes. Each has an object of its own, since threads that keep the same object alive
/// contend for its reference count, which takes longer than much of the work on a short lane.
@safe final class LaneWorker {
    let scratch: LaneScratch
    let shape: CacheShape
    let kernels: KernelTable
    /// How each layer attends.
    let layers: [LayerAttention]
    let noise: NoiseTable
    /// Whether policies are timed, which costs clock readings.
    let timesPolicy: Bool

    init(shape: CacheShape, kernels: KernelTable, layers: [LayerAttention], noise: NoiseTable, timesPolicy: Bool) {
        scratch = LaneScratch(headDim: shape.headDim)
        self.shape = shape
        self.kernels = kernels
        self.layers = layers
        self.noise = noise
        self.timesPolicy = timesPolicy
    }
}

@available(*, unavailable) extension LaneWorker: Sendable {}
