internal import Kernels

/// The memory of one lane inside a block. Blocks hold the slots of all lanes one after the other: positions [total],
/// scores [total], keys [total, headDim], values [total, headDim].
@unsafe struct Lane {
    let positions: UnsafeMutablePointer<Int32>
    let scores: UnsafeMutablePointer<Float>?
    let keys: UnsafeMutableRawPointer
    let values: UnsafeMutableRawPointer
    let layout: SlotLayout

    /// The lane that begins with slot `first` of `total`.
    init(block: UnsafeMutableRawPointer, total: Int, first: Int, layout: SlotLayout) {
        let scoreStart = total * 4
        let keyStart = scoreStart + (layout.isScored ? total * 4 : 0)
        let valueStart = keyStart + total * layout.keyBytes
        unsafe positions = block.assumingMemoryBound(to: Int32.self) + first
        unsafe scores = layout.isScored ? (block + scoreStart).assumingMemoryBound(to: Float.self) + first : nil
        unsafe keys = block + keyStart + first * layout.keyBytes
        unsafe values = block + valueStart + first * layout.valueBytes
        unsafe self.layout = layout
    }

    /// Writes an entry with score 0; key and value are [headDim] f32 and are rounded to the storage types.
    func write(
        slot: Int, position: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>, kernels: KernelTable
    ) {
        unsafe positions[slot] = Int32(position)
        if let scores = unsafe scores { unsafe scores[slot] = 0 }
        unsafe kernels.storeRows(
            count: 1, headDim: layout.headDim, key, as: layout.keyStorage, at: keys + slot * layout.keyBytes)
        unsafe kernels.storeRows(
            count: 1, headDim: layout.headDim, value, as: layout.valueStorage, at: values + slot * layout.valueBytes)
    }

    /// Copies position, key and value of another lane's entry, which has the same storage types. Its score is not
    /// always where it stands.
    func copy(slot: Int, from other: Lane, slot source: Int) {
        unsafe positions[slot] = other.positions[source]
        unsafe (keys + slot * layout.keyBytes).copyMemory(
            from: other.keys + source * layout.keyBytes, byteCount: layout.keyBytes)
        unsafe (values + slot * layout.valueBytes).copyMemory(
            from: other.values + source * layout.valueBytes, byteCount: layout.valueBytes)
    }

    /// Copies the entries in `slots` of another lane, which has the same storage types, with score 0.
    func copy(_ slots: Range<Int>, from other: Lane) {
        let first = slots.lowerBound
        unsafe (positions + first).update(from: other.positions + first, count: slots.count)
        if let scores = unsafe scores { unsafe (scores + first).update(repeating: 0, count: slots.count) }
        unsafe (keys + first * layout.keyBytes).copyMemory(
            from: other.keys + first * layout.keyBytes, byteCount: slots.count * layout.keyBytes)
        unsafe (values + first * layout.valueBytes).copyMemory(
            from: other.values + first * layout.valueBytes, byteCount: slots.count * layout.valueBytes)
    }

    /// Copies the first `count` entries of a lane with the same layout, scores and all.
    func copy(count: Int, from other: Lane) {
        unsafe positions.update(from: other.positions, count: count)
        if let scores = unsafe scores, let given = unsafe other.scores {
            unsafe scores.update(from: given, count: count)
        }
        unsafe keys.copyMemory(from: other.keys, byteCount: count * layout.keyBytes)
        unsafe values.copyMemory(from: other.values, byteCount: count * layout.valueBytes)
    }

    /// The first slot whose position is at least `position`: of `sorted` entries in rising order, or of those after
    /// them, where a slot and its position differ by `following`.
    func firstSlot(from position: Int, sorted: Int, following: Int) -> Int {
        var (low, high) = (0, sorted)
        while low < high {
            let middle = low + (high - low) / 2
            if unsafe Int(positions[middle]) < position { low = middle + 1 } else { high = middle }
        }
        return low < sorted ? low : max(low, position - following)
    }

    /// Removes an entry of `count` and moves the later ones down, so that slot order stays position order.
    func closeGap(at slot: Int, count: Int) {
        let moved = count - slot - 1
        guard moved > 0 else { return }
        unsafe (positions + slot).update(from: positions + slot + 1, count: moved)
        if let scores = unsafe scores { unsafe (scores + slot).update(from: scores + slot + 1, count: moved) }
        unsafe (keys + slot * layout.keyBytes).copyMemory(
            from: keys + (slot + 1) * layout.keyBytes, byteCount: moved * layout.keyBytes)
        unsafe (values + slot * layout.valueBytes).copyMemory(
            from: values + (slot + 1) * layout.valueBytes, byteCount: moved * layout.valueBytes)
    }
}
