internal import Kernels
internal import Tensors

/// Keys and values of the fed rows.
extension LanePass {
    /// The longest run of slots from `first` on, before `end`, that stand in one place.
    func run(from first: Int, to end: Int, own: Lane) -> LaneRun {
        unsafe job.cache.run(from: first, to: end, layer: layer, kvHead: kvHead, own: own)
    }

    /// Original positions by slot. Entries in blocks have never moved.
    func positions(_ lane: Lane) -> UnsafePointer<Int32> {
        unsafe plan.positions == .compact || job.cache.blockSlots > 0
            ? UnsafePointer(scratch.indexes.base) : UnsafePointer(lane.positions)
    }

    /// The row's key in scratch, rotated to its position unless the lane keeps unrotated keys.
    func rotatedKey(row: Int, position: Int) -> UnsafePointer<Float> {
        let key = unsafe scratch.key.base
        unsafe key.update(from: qkv.pointer(row: row, column: (shape.queryHeads + kvHead) * headDim), count: headDim)
        if let rope = unsafe rope, unsafe plan.positions == .original {
            unsafe rope.rotate(key, position: position, kernels: kernels)
        }
        return unsafe UnsafePointer(key)
    }

    func value(row: Int) -> UnsafePointer<Float> {
        unsafe UnsafePointer(qkv.pointer(row: row, column: (shape.queryHeads + shape.kvHeads + kvHead) * headDim))
    }

    /// Compact RoPE lanes: the keys of `slots` rotated to their indexes into scratch, from its start on, and behind
    /// them the fed one; rounded as rotated keys would have been stored.
    func rotateCompactKeys(_ lane: Lane, _ slots: Range<Int>, fedKey: UnsafeRawPointer?) {
        guard let rope = unsafe rope, unsafe plan.positions == .compact else { return }
        let rotated = unsafe scratch.rotatedKeys.base
        let keys = unsafe lane.keys.assumingMemoryBound(to: Float.self) + slots.lowerBound * headDim
        unsafe rotated.update(from: keys, count: slots.count * headDim)
        var total = slots.count
        if let fedKey = unsafe fedKey {
            unsafe (rotated + total * headDim).update(from: fedKey.assumingMemoryBound(to: Float.self), count: headDim)
            total += 1
        }
        for index in 0..<total {
            unsafe rope.rotate(rotated + index * headDim, position: slots.lowerBound + index, kernels: kernels)
        }
        guard unsafe plan.storage != .f32 else { return }
        unsafe kernels.storeRows(
            count: total, headDim: headDim, rotated, as: plan.storage, at: scratch.roundedKeys.base)
    }
}
