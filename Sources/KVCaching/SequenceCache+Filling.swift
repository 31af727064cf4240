package import Kernels
internal import Tensors

/// Caches that no prompt filled, for measuring steps at depths whose prompts would take minutes.
extension SequenceCache {
    /// Ends a prompt that never ran: every lane holds the prompt's newest tokens with random keys and values of
    /// variance 1 and random scores, the same each time.
    package func fillAtRandom(kernels: KernelTable) {
        let (headDim, rowCount) = (plan.shape.headDim, 509)
        let rows = AlignedBuffer<Float>(count: rowCount * headDim)
        var state: UInt64 = 1
        for index in 0..<rows.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            rows[index] = (Float(state >> 40) / Float(1 << 24) - 0.5) * 3.464
        }
        for layer in 0..<plan.shape.layerCount {
            let slots = min(plan.promptTokens, plan.laneSlots(layer: layer))
            for kvHead in 0..<plan.shape.kvHeads {
                let lane = unsafe lane(layer: layer, kvHead: kvHead)
                for slot in 0..<slots {
                    let (key, value) = ((slot + 7 * layer) % rowCount, (slot + 13 * kvHead + 1) % rowCount)
                    unsafe lane.write(
                        slot: slot, position: plan.promptTokens - slots + slot, key: rows.base + key * headDim,
                        value: rows.base + value * headDim, kernels: kernels)
                    if let scores = unsafe lane.scores { unsafe scores[slot] = abs(rows[key * headDim]) }
                }
                setCount(slots, layer: layer, kvHead: kvHead)
            }
        }
        promptFinished()
    }
}
