internal import Kernels
internal import Tensors

/// Fixed noise by position: it depends on seed, layer, query head and position only, so all sequences of a seed read
/// what was drawn once, where drawing it anew in every step would cost more than all else that a policy does.
///
/// Holds the noise of the first seed that was reserved, and of others nothing: theirs is drawn when it is needed, and
/// so is that of contexts for which the table would be too large. Confined to the engine thread; the thread team only
/// reads between two growths.
@safe final class NoiseTable {
    /// Largest table in bytes: 8k positions of a 1B model take half of it, and drawing it some 20 ms.
    static let mostBytes = 32 << 20

    private let shape: CacheShape
    private var seed: UInt64?
    private var positions = 0
    /// [layers, queryHeads, positions]
    private var values = AlignedBuffer<Float>(count: 0)

    init(shape: CacheShape) { self.shape = shape }

    /// Makes positions 0..<count of the seed available, if they are to be had.
    func reserve(seed: UInt64, positions count: Int, compute: Compute) {
        let most = Self.mostBytes / (shape.layerCount * shape.queryHeads * MemoryLayout<Float>.size)
        guard self.seed ?? seed == seed, count > positions, count <= most else { return }
        let grown = min(most, max(count, 2 * positions, 256))
        let indexes = AlignedBuffer<Int32>(count: grown)
        for index in 0..<grown { indexes[index] = Int32(index) }
        let values = AlignedBuffer<Float>(count: shape.layerCount * shape.queryHeads * grown)
        compute.forEach(count: shape.layerCount) { layer, _ in
            for head in 0..<shape.queryHeads {
                let prefix = GumbelNoise.prefix(seed: seed, layer: layer, head: head)
                unsafe compute.table.gumbel(
                    count: grown, prefix: prefix, positions: indexes.base, queryTag: 0,
                    noise: values.base + (layer * shape.queryHeads + head) * grown)
            }
        }
        (self.seed, positions, self.values) = (seed, grown, values)
    }

    /// The noise of a query head by position, [count]; nil where it was not drawn.
    @unsafe func row(seed: UInt64, layer: Int, head: Int, positions count: Int) -> UnsafePointer<Float>? {
        guard self.seed == seed, count <= positions else { return nil }
        return unsafe UnsafePointer(values.base + (layer * shape.queryHeads + head) * positions)
    }
}
