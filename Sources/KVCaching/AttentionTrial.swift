package import Kernels
internal import Tensors

/// The kernels of attention by themselves, on lanes of f16 entries that nothing else holds: for benchmarks. One lane
/// for each thread, so that all of them work as they do in a step.
@safe package final class AttentionTrial {
    package let shape: CacheShape
    /// Entries of a lane.
    package let slots: Int
    package let threads: Int
    private let compute: Compute
    private let lanes: [TrialLane]

    /// Rows of queries that share a tile of a prompt's keys.
    package let promptRows: Int

    package init(shape: CacheShape, slots: Int, compute: Compute) {
        self.shape = shape
        self.slots = slots
        self.compute = compute
        threads = compute.threadCount
        let rows = max(1, 16 / shape.groupSize) * shape.groupSize
        promptRows = rows
        lanes = (0..<threads).map { _ in
            TrialLane(slots: slots, rows: rows, shape: shape, kernels: compute.table)
        }
    }

    /// A decoded token on every lane: logits, softmax and the sum of values, part by part, for the heads of a group.
    package func decode() {
        compute.forEach(count: threads) { index, _ in
            for part in 0..<LaneParts.count(entries: self.slots) {
                unsafe self.lanes[index].attend(
                    LaneParts.entries(of: part, count: self.slots), heads: self.shape.groupSize, tiled: false,
                    kernels: self.compute.table)
            }
        }
    }

    /// `promptRows` rows of queries on every lane, whose keys stand in tiles.
    package func prefill() {
        compute.forEach(count: threads) { index, _ in
            for part in 0..<LaneParts.count(entries: self.slots) {
                unsafe self.lanes[index].attend(
                    LaneParts.entries(of: part, count: self.slots), heads: self.promptRows, tiled: true,
                    kernels: self.compute.table)
            }
        }
    }

    /// Keyformer's scores of a decoded token on every lane, noise by position, and the search for the victim.
    package func score() {
        compute.forEach(count: threads) { index, _ in
            unsafe self.lanes[index].score(
                count: self.slots, heads: self.shape.groupSize, kernels: self.compute.table)
        }
    }
}

@available(*, unavailable) extension AttentionTrial: Sendable {}

/// A lane's memory and that of the thread that works on it.
@safe private final class TrialLane {
    private let headDim: Int
    private let keys: AlignedBuffer<UInt16>
    private let values: AlignedBuffer<UInt16>
    private let tiles: AlignedBuffer<Float>
    private let queries: AlignedBuffer<Float>
    private let queryBlocks: AlignedBuffer<UInt8>
    private let logits: AlignedBuffer<Float>
    private let sums: AlignedBuffer<Float>
    private let scores: AlignedBuffer<Float>
    private let noise: AlignedBuffer<Float>
    private let positions: AlignedBuffer<Int32>
    private let maxima: AlignedBuffer<Float>

    init(slots: Int, rows: Int, shape: CacheShape, kernels: KernelTable) {
        headDim = shape.headDim
        keys = AlignedBuffer(count: slots * headDim)
        values = AlignedBuffer(count: slots * headDim)
        // 0.5 to 0.99 in f16.
        for index in 0..<slots * headDim {
            keys[index] = 0x3800 + UInt16(truncatingIfNeeded: index &* 40_503) % 1000
            values[index] = 0x3800 + UInt16(truncatingIfNeeded: index &* 30_011) % 1000
        }
        let whole = (slots + KernelTable.keyTile - 1) / KernelTable.keyTile * KernelTable.keyTile
        tiles = AlignedBuffer(count: whole * headDim)
        queries = AlignedBuffer(count: rows * headDim)
        queryBlocks = AlignedBuffer(count: rows * KVStorage.queryBytes(headDim: headDim))
        for index in 0..<queries.count { queries[index] = Float(index % 7) / 4 - 0.7 }
        logits = AlignedBuffer(count: rows * LaneScratch.rowStride(LaneParts.size))
        sums = AlignedBuffer(count: rows * headDim)
        scores = AlignedBuffer(count: slots)
        noise = AlignedBuffer(count: 4 * slots * shape.groupSize + KernelTable.noiseSlack)
        for index in 0..<noise.count { noise[index] = Float(index % 11) / 5 - 1 }
        positions = AlignedBuffer(count: slots)
        for slot in 0..<slots { positions[slot] = Int32(4 * slot + slot % 3) }
        maxima = AlignedBuffer(count: 2 * rows)
        unsafe kernels.tileKeys(
            count: slots, headDim: headDim, keys: UnsafeRawPointer(keys.base), keyType: .f16, tiles: tiles.base)
    }

    @unsafe func attend(_ entries: Range<Int>, heads: Int, tiled: Bool, kernels: KernelTable) {
        let (start, stride) = (entries.lowerBound * headDim, LaneScratch.rowStride(LaneParts.size))
        let scale = 1 / Float(headDim).squareRoot()
        if tiled {
            unsafe kernels.tileLogits(
                rows: heads, count: entries.count, headDim: headDim, scale: scale, query: queries.base,
                queryStride: headDim, tiles: tiles.base + start, logits: logits.base, stride: stride)
        } else {
            unsafe kernels.attentionLogits(
                heads: heads, count: entries.count, headDim: headDim, scale: scale,
                queries: KernelTable.Queries(values: queries.base, blocks: queryBlocks.base),
                keys: UnsafeRawPointer(keys.base + start), keyType: .f16, logits: logits.base, stride: stride)
        }
        for head in 0..<heads {
            _ = unsafe kernels.expSum(
                count: entries.count, values: logits.base + head * stride, maximum: maxima.base + head)
        }
        unsafe kernels.weightedSum(
            heads: heads, count: entries.count, headDim: headDim, weights: logits.base, weightStride: stride,
            values: UnsafeRawPointer(values.base + start), valueType: .f16, accumulate: false, output: sums.base,
            stride: headDim)
    }

    /// The rows are what the last call left: their values do not change the time.
    @unsafe func score(count: Int, heads: Int, kernels: KernelTable) {
        let stride = LaneScratch.rowStride(LaneParts.size)
        for part in 0..<LaneParts.count(entries: count) {
            let entries = LaneParts.entries(of: part, count: count)
            unsafe kernels.noisyExpSums(
                heads: heads, count: entries.count, inverseTau: 0.7, noise: noise.base, noiseStride: 0,
                positions: positions.base + entries.lowerBound, rows: logits.base, stride: stride, maxima: maxima.base,
                sums: maxima.base + heads, step: 1)
            unsafe kernels.addRows(
                heads: heads, count: entries.count, weights: maxima.base, step: 1, rows: logits.base, stride: stride,
                to: scores.base + entries.lowerBound)
        }
        _ = unsafe kernels.argminNewest(
            count: count, scores: scores.base, positions: positions.base, candidates: 0...Int32(3 * count))
    }
}
