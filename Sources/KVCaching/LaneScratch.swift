internal import Tensors

/// One worker's memory for a lane's rows, grown when a longer sequence is admitted, never within a step.
@safe final class LaneScratch {
    private(set) var slots = 0
    private var scorers = 0
    private(set) var logits = AlignedBuffer<Float>(count: 0)
    private(set) var probabilities = AlignedBuffer<Float>(count: 0)
    private(set) var increments = AlignedBuffer<Float>(count: 0)
    private(set) var scratch = AlignedBuffer<Float>(count: 0)
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
    /// The same rounded to f16.
    private(set) var rotatedHalfKeys = AlignedBuffer<UInt16>(count: 0)
    let query: AlignedBuffer<Float>
    let key: AlignedBuffer<Float>
    /// The fed token's key and value in storage type, while its lane is full.
    let fedKey: AlignedBuffer<Float>
    let fedValue: AlignedBuffer<Float>

    init(headDim: Int) {
        query = AlignedBuffer(count: headDim)
        key = AlignedBuffer(count: headDim)
        fedKey = AlignedBuffer(count: headDim)
        fedValue = AlignedBuffer(count: headDim)
    }

    /// Makes room for rows of `slots` entries; `rotatesKeys` for compact lanes under RoPE, `positions` for
    /// neighbourhoods, `scorers` for prompts that several policies score.
    func reserve(slots wanted: Int, groupSize: Int, rotatesKeys: Bool, positions neighbours: Int, scorers: Int) {
        if wanted > slots {
            slots = max(wanted, min(2 * slots, wanted + 4096))
            logits = AlignedBuffer(count: slots)
            probabilities = AlignedBuffer(count: slots)
            increments = AlignedBuffer(count: slots)
            scratch = AlignedBuffer(count: slots)
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
        let keyElements = slots * key.count
        if rotatesKeys && rotatedKeys.count < keyElements {
            rotatedKeys = AlignedBuffer(count: keyElements)
            rotatedHalfKeys = AlignedBuffer(count: keyElements)
        }
    }
}
