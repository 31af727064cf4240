internal import Kernels
internal import Tensors

/// One worker's memory for a lane's rows, grown when a longer sequence is admitted, never within a step.
@safe final class LaneScratch {
    private(set) var slots = 0
    private var scorers = 0
    /// Rows of some queries and all heads of their group, `rowStride` apart.
    private(set) var logits = AlignedBuffer<Float>(count: 0)
    private(set) var probabilities = AlignedBuffer<Float>(count: 0)
    /// The rotated queries of these rows and what comes out of them, [rows, headDim].
    private(set) var queries = AlignedBuffer<Float>(count: 0)
    private(set) var sums = AlignedBuffer<Float>(count: 0)
    /// The queries once more as 8-bit integers, for keys that are stored in blocks.
    private(set) var queryBlocks = AlignedBuffer<UInt8>(count: 0)
    /// The sums of one part, and for each row the weights of its parts, [rows, parts of `slots`]; one row's sums.
    private(set) var partialSums = AlignedBuffer<Float>(count: 0)
    private(set) var partWeights = AlignedBuffer<Float>(count: 0)
    private(set) var partSums = AlignedBuffer<Float>(count: 0)
    /// A prompt's keys side by side, [tiles, headDim, KernelTable.keyTile].
    private(set) var keyTiles = AlignedBuffer<Float>(count: 0)
    private(set) var increments = AlignedBuffer<Float>(count: 0)
    /// What a policy's softmax makes of one query's rows, [groupSize, `slots` as `rowStride`], where the logits are
    /// still wanted; the weights of the parts of these rows and their sums, [groupSize, parts of `slots`].
    private(set) var tempered = AlignedBuffer<Float>(count: 0)
    private(set) var scoreWeights = AlignedBuffer<Float>(count: 0)
    private(set) var scoreSums = AlignedBuffer<Float>(count: 0)
    private(set) var positions = AlignedBuffer<Int32>(count: 0)
    /// 0, 1, 2, …: positions of compact lanes.
    private(set) var indexes = AlignedBuffer<Int32>(count: 0)
    /// [scorers, groupSize, slots]
    private(set) var noise = AlignedBuffer<Float>(count: 0)
    /// [scorers, slots]: for a reduction by maximum, the largest increments of the heads so far.
    private(set) var largestIncrements = AlignedBuffer<Float>(count: 0)
    /// [slots]: joined scores that a choice goes by.
    private(set) var chosenScores = AlignedBuffer<Float>(count: 0)
    /// Scores by position while neighbours are joined.
    private(set) var byPosition = AlignedBuffer<Float>(count: 0)
    /// [slots, headDim] f32: keys of a compact lane, rotated to their indexes.
    private(set) var rotatedKeys = AlignedBuffer<Float>(count: 0)
    /// The same in storage type.
    private(set) var roundedKeys = AlignedBuffer<UInt8>(count: 0)
    /// Time that the worker spent on scores and choices, where it is measured.
    var policyTime = Duration.zero
    let key: AlignedBuffer<Float>
    /// The fed token's key and value in storage type, while its lane is full.
    let fedKey: AlignedBuffer<UInt8>
    let fedValue: AlignedBuffer<UInt8>

    init(headDim: Int) {
        key = AlignedBuffer(count: headDim)
        fedKey = AlignedBuffer(count: KVStorage.largestRowBytes(headDim: headDim))
        fedValue = AlignedBuffer(count: KVStorage.largestRowBytes(headDim: headDim))
    }

    /// Rows that attend together at most, where a group has fewer heads.
    private static let mostRows = 16
    /// Elements of the rows that attend together: 256 KiB, which stay in the second-level cache.
    private static let tileElements = 64 * 1024

    /// Distance between rows of `count` entries: whole tiles of keys, and no power of two.
    static func rowStride(_ count: Int) -> Int {
        (count + KernelTable.keyTile - 1) / KernelTable.keyTile * KernelTable.keyTile + KernelTable.keyTile
    }

    /// Queries whose rows of `count` entries attend together.
    func queriesPerTile(count: Int, groupSize: Int) -> Int {
        max(1, min(Self.mostRows / groupSize, logits.count / (groupSize * Self.rowStride(count))))
    }

    /// Runs work of a policy; `isTimed` adds its time to `policyTime`.
    func timePolicy<Result>(_ isTimed: Bool, _ body: () -> Result) -> Result {
        guard isTimed else { return body() }
        let start = ContinuousClock.now
        defer { policyTime += start.duration(to: .now) }
        return body()
    }

    /// Makes room for rows of `slots` entries; `rotatesKeys` for compact lanes under RoPE, `positions` for
    /// neighbourhoods, `scorers` for prompts that several policies score.
    func reserve(
        slots wanted: Int, promptTokens: Int, groupSize: Int, rotatesKeys: Bool, positions neighbours: Int,
        scorers: Int
    ) {
        if wanted > slots {
            slots = max(wanted, min(2 * slots, wanted + 4096))
            let rowElements = max(Self.tileElements, groupSize * Self.rowStride(max(slots, LaneParts.size)))
            logits = AlignedBuffer(count: rowElements)
            probabilities = AlignedBuffer(count: rowElements)
            let rows = max(groupSize, Self.mostRows)
            queries = AlignedBuffer(count: rows * key.count)
            queryBlocks = AlignedBuffer(count: rows * KVStorage.queryBytes(headDim: key.count))
            sums = AlignedBuffer(count: rows * key.count)
            partialSums = AlignedBuffer(count: rows * key.count)
            partSums = AlignedBuffer(count: LaneParts.count(entries: slots))
            partWeights = AlignedBuffer(count: rows * partSums.count)
            increments = AlignedBuffer(count: slots)
            tempered = AlignedBuffer(count: groupSize * Self.rowStride(slots))
            scoreWeights = AlignedBuffer(count: groupSize * partSums.count)
            scoreSums = AlignedBuffer(count: groupSize * partSums.count)
            positions = AlignedBuffer(count: slots)
            indexes = AlignedBuffer(count: slots)
            for index in 0..<slots { indexes[index] = Int32(index) }
            chosenScores = AlignedBuffer(count: slots)
        }
        self.scorers = max(self.scorers, scorers)
        if noise.count < slots * groupSize * self.scorers {
            noise = AlignedBuffer(count: slots * groupSize * self.scorers)
            largestIncrements = AlignedBuffer(count: slots * self.scorers)
        }
        if neighbours > byPosition.count { byPosition = AlignedBuffer(count: neighbours) }
        let tileElements = (promptTokens + KernelTable.keyTile - 1) / KernelTable.keyTile * KernelTable.keyTile
        if tileElements * key.count > keyTiles.count { keyTiles = AlignedBuffer(count: tileElements * key.count) }
        let keyElements = slots * key.count
        if rotatesKeys && rotatedKeys.count < keyElements {
            rotatedKeys = AlignedBuffer(count: keyElements)
            roundedKeys = AlignedBuffer(count: slots * KVStorage.largestRowBytes(headDim: key.count))
        }
    }
}
