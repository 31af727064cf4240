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
    /// [layers, kvHeads, positions, groupSize]: an entry's noises stand together, because its heads are scored
    /// together.
    private var values = AlignedBuffer<Float>(count: 0)

    init(shape: CacheShape) { self.shape = shape }

    /// Makes positions 0..<count of the seed available, if they are to be had.
    func reserve(seed: UInt64, positions count: Int, compute: Compute) {
        let most = Self.mostBytes / (shape.layerCount * shape.queryHeads * MemoryLayout<Float>.size)
        guard self.seed ?? seed == seed, count > positions, count <= most else { return }
        let grown = min(most, max(count, 2 * positions, 256))
        let indexes = AlignedBuffer<Int32>(count: grown)
        for index in 0..<grown { indexes[index] = Int32(index) }
        let values = AlignedBuffer<Float>(
            count: shape.layerCount * shape.queryHeads * grown + KernelTable.noiseSlack)
        compute.forEach(count: shape.layerCount) { layer, _ in
            let drawn = AlignedBuffer<Float>(count: grown)
            for head in 0..<shape.queryHeads {
                unsafe compute.table.gumbel(
                    count: grown, prefix: GumbelNoise.prefix(seed: seed, layer: layer, head: head),
                    positions: indexes.base, queryTag: 0, noise: drawn.base)
                let (kvHead, member) = (head / shape.groupSize, head % shape.groupSize)
                let target = unsafe values.base + (layer * shape.kvHeads + kvHead) * shape.groupSize * grown + member
                for index in 0..<grown { unsafe target[index * shape.groupSize] = drawn[index] }
            }
        }
        (self.seed, positions, self.values) = (seed, grown, values)
    }

    /// The noise of a lane's query heads by position, [count, groupSize]; nil where it was not drawn.
    @unsafe func lane(seed: UInt64, layer: Int, kvHead: Int, positions count: Int) -> UnsafePointer<Float>? {
        guard self.seed == seed, count <= positions else { return nil }
        return unsafe UnsafePointer(
            values.base + (layer * shape.kvHeads + kvHead) * shape.groupSize * positions)
    }
}
