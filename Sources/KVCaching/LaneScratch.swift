internal import Tensors

/// One worker's memory for a lane's rows, grown when a longer sequence is admitted, never within a step.
@safe final class LaneScratch {
    private(set) var slots = 0
    private(set) var logits = AlignedBuffer<Float>(count: 0)
    private(set) var probabilities = AlignedBuffer<Float>(count: 0)
    private(set) var increments = AlignedBuffer<Float>(count: 0)
    private(set) var scratch = AlignedBuffer<Float>(count: 0)
    private(set) var positions = AlignedBuffer<Int32>(count: 0)
    /// 0, 1, 2, …: positions of compact lanes.
    private(set) var indexes = AlignedBuffer<Int32>(count: 0)
    /// [groupSize, slots]
    private(set) var noise = AlignedBuffer<Float>(count: 0)
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

    /// Makes room for rows of `slots` entries; `rotatesKeys` for compact lanes under RoPE.
    func reserve(slots wanted: Int, groupSize: Int, rotatesKeys: Bool) {
        if wanted > slots {
            slots = max(wanted, min(2 * slots, wanted + 4096))
            logits = AlignedBuffer(count: slots)
            probabilities = AlignedBuffer(count: slots)
            increments = AlignedBuffer(count: slots)
            scratch = AlignedBuffer(count: slots)
            positions = AlignedBuffer(count: slots)
            indexes = AlignedBuffer(count: slots)
            for index in 0..<slots { indexes[index] = Int32(index) }
            noise = AlignedBuffer(count: slots * groupSize)
        }
        let keyElements = slots * key.count
        if rotatesKeys && rotatedKeys.count < keyElements {
            rotatedKeys = AlignedBuffer(count: keyElements)
            rotatedHalfKeys = AlignedBuffer(count: keyElements)
        }
    }
}
