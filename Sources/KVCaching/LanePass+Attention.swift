internal import Kernels
internal import Tensors

/// Attention of many rows at once: the heads of a group share each key and value that is read, and so do queries of a
/// prompt that follow each other. A row's bits are those it would have alone.
extension LanePass {
    /// Rows of logits side by side, query by query and within it head by head, and what softmax makes of them.
    @unsafe struct AttendedRows {
        let logits: UnsafeMutablePointer<Float>
        /// The place of the logits where nobody wants these.
        let probabilities: UnsafeMutablePointer<Float>
        /// Distance between rows.
        let stride: Int

        func dropFirst(_ rows: Int) -> AttendedRows {
            unsafe AttendedRows(
                logits: logits + rows * stride, probabilities: probabilities + rows * stride, stride: stride)
        }
    }

    /// The keys that the queries of a pass see.
    @unsafe struct Keys {
        let rows: UnsafeRawPointer
        let type: DType
        /// Whether the fed token's key stands behind those of the lane.
        let includesFed: Bool
        /// The same side by side, where there are enough queries.
        var tiles: UnsafePointer<Float>?
    }

    /// Rows of a pass from which on laying keys side by side costs less than it saves.
    private static var fewestTiledRows: Int { 32 }

    private var scale: Float { unsafe 1 / Float(headDim).squareRoot() }

    // MARK: The prompt

    /// The first `count` keys of the lane for that many queries.
    func promptKeys(_ lane: Lane, count: Int, queries: Int) -> Keys {
        var keys = unsafe storedKeys(lane)
        guard unsafe queries * shape.groupSize >= Self.fewestTiledRows else { return unsafe keys }
        let tiles = unsafe scratch.keyTiles.base
        unsafe kernels.tileKeys(count: count, headDim: headDim, keys: keys.rows, keyType: keys.type, tiles: tiles)
        unsafe keys.tiles = UnsafePointer(tiles)
        return unsafe keys
    }

    /// Attention of the queries at `positions`, which stand from `row` on: output rows written.
    func attendPrompt(_ lane: Lane, keys: Keys, positions: Range<Int>, row: Int, keepsLogits: Bool) -> AttendedRows {
        let (group, count) = unsafe (shape.groupSize, positions.upperBound)
        let attended = unsafe rows(count: count, keepsLogits: keepsLogits)
        for (index, position) in positions.enumerated() {
            unsafe placeQueries(row: row + index, at: index, position: position)
        }
        unsafe fillLogits(keys, rows: positions.count * group, count: count, attended)
        for (index, position) in positions.enumerated() {
            unsafe weigh(
                attended.dropFirst(index * group), count: position + 1, queryIndex: position,
                positions: lane.positions)
        }
        unsafe sumValues(lane, attended, positions: positions)
        for index in 0..<positions.count {
            unsafe output.pointer(row: row + index, column: kvHead * group * headDim)
                .update(from: scratch.sums.base + index * group * headDim, count: group * headDim)
        }
        return unsafe attended
    }

    /// Into scratch: entries that all queries see together, then for each later query those that it sees alone.
    private func sumValues(_ lane: Lane, _ attended: AttendedRows, positions: Range<Int>) {
        let (group, sums) = unsafe (shape.groupSize, scratch.sums.base)
        let common = positions.lowerBound + 1
        let layout = unsafe plan.layout
        unsafe kernels.weightedSum(
            heads: positions.count * group, count: common, headDim: headDim, weights: attended.probabilities,
            weightStride: attended.stride, values: lane.values, valueType: layout.valueStorage, accumulate: false,
            output: sums, stride: headDim)
        for index in 1..<max(1, positions.count) {
            unsafe kernels.weightedSum(
                heads: group, count: index, headDim: headDim,
                weights: attended.dropFirst(index * group).probabilities + common, weightStride: attended.stride,
                values: lane.values + common * layout.valueBytes, valueType: layout.valueStorage, accumulate: true,
                output: sums + index * group * headDim, stride: headDim)
        }
    }

    // MARK: Decoding

    /// Attention of the decoded row for all heads of the group: output row written.
    func attendDecoded(_ entries: Entries, position: Int, keepsLogits: Bool) -> AttendedRows {
        let (group, count, held) = unsafe (shape.groupSize, entries.count, entries.held)
        // In compact numbering the query is the last entry.
        let queryIndex = unsafe plan.positions == .compact ? count - 1 : position
        let attended = unsafe rows(count: count, keepsLogits: keepsLogits)
        unsafe placeQueries(row: job.firstRow, at: 0, position: queryIndex)
        let keys = unsafe storedKeys(entries.lane)
        unsafe fillLogits(keys, rows: group, count: keys.includesFed ? count : held, attended)
        if let fed = unsafe entries.fed, unsafe !keys.includesFed {
            unsafe kernels.attentionLogits(
                heads: group, count: 1, headDim: headDim, scale: scale, query: scratch.queries.base,
                queryStride: headDim, keys: fed.key, keyType: keys.type, logits: attended.logits + held,
                stride: attended.stride)
        }
        unsafe weigh(attended, count: count, queryIndex: queryIndex, positions: entries.positions)
        let target = unsafe output.pointer(row: job.firstRow, column: kvHead * group * headDim)
        let storage = unsafe plan.layout.valueStorage
        unsafe kernels.weightedSum(
            heads: group, count: held, headDim: headDim, weights: attended.probabilities,
            weightStride: attended.stride, values: entries.lane.values, valueType: storage, accumulate: false,
            output: target, stride: headDim)
        if let fed = unsafe entries.fed {
            unsafe kernels.weightedSum(
                heads: group, count: 1, headDim: headDim, weights: attended.probabilities + held,
                weightStride: attended.stride, values: fed.value, valueType: storage, accumulate: true,
                output: target, stride: headDim)
        }
        return unsafe attended
    }

    // MARK: Parts of both

    /// Room for rows of `count` entries.
    private func rows(count: Int, keepsLogits: Bool) -> AttendedRows {
        let logits = unsafe scratch.logits.base
        return unsafe AttendedRows(
            logits: logits, probabilities: keepsLogits ? scratch.probabilities.base : logits,
            stride: LaneScratch.rowStride(count))
    }

    /// The keys as the logits want them: those of a compact RoPE lane are rotated in scratch, the fed one included.
    private func storedKeys(_ lane: Lane) -> Keys {
        guard case .rope = unsafe attention.encoding, unsafe plan.positions == .compact else {
            return unsafe Keys(rows: UnsafeRawPointer(lane.keys), type: plan.layout.keyStorage, includesFed: false)
        }
        let (half, wide) = unsafe (scratch.rotatedHalfKeys.base, scratch.rotatedKeys.base)
        let rows = unsafe plan.storage == .f16 ? UnsafeRawPointer(half) : UnsafeRawPointer(wide)
        return unsafe Keys(rows: rows, type: plan.storage, includesFed: true)
    }

    /// Puts the group's queries of a row, rotated, into scratch as the `index`-th ones.
    private func placeQueries(row: Int, at index: Int, position: Int) {
        let (group, first) = unsafe (shape.groupSize, scratch.queries.base + index * shape.groupSize * headDim)
        unsafe first.update(from: qkv.pointer(row: row, column: kvHead * group * headDim), count: group * headDim)
        guard case .rope(let table) = unsafe attention.encoding else { return }
        for head in 0..<group {
            unsafe table.rotate(first + head * headDim, position: position, kernels: kernels)
        }
    }

    private func fillLogits(_ keys: Keys, rows: Int, count: Int, _ attended: AttendedRows) {
        guard let tiles = unsafe keys.tiles else {
            unsafe kernels.attentionLogits(
                heads: rows, count: count, headDim: headDim, scale: scale, query: scratch.queries.base,
                queryStride: headDim, keys: keys.rows, keyType: keys.type, logits: attended.logits,
                stride: attended.stride)
            return
        }
        unsafe kernels.tileLogits(
            rows: rows, count: count, headDim: headDim, scale: scale, query: scratch.queries.base,
            queryStride: headDim, tiles: tiles, logits: attended.logits, stride: attended.stride)
    }

    /// Position bias and softmax of the group's first rows.
    private func weigh(_ attended: AttendedRows, count: Int, queryIndex: Int, positions: UnsafePointer<Int32>) {
        for head in unsafe 0..<shape.groupSize {
            let row = unsafe attended.dropFirst(head)
            if case .alibi(let slopes) = unsafe attention.encoding {
                unsafe kernels.alibi(
                    count: count, slope: slopes[kvHead * shape.groupSize + head], queryPosition: Int32(queryIndex),
                    positions: plan.positions == .compact ? UnsafePointer(scratch.indexes.base) : positions,
                    logits: row.logits)
            }
            if unsafe row.probabilities != row.logits {
                unsafe row.probabilities.update(from: row.logits, count: count)
            }
            unsafe kernels.softmax(count: count, values: row.probabilities)
        }
    }
}
