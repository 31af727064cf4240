internal import Kernels
internal import Tensors

/// Attention of a prompt's rows: the heads of a group share each key and value that is read, and so do queries that
/// follow each other. A row's bits are those it would have alone.
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

        func dropFirst(entries: Int) -> AttendedRows {
            unsafe AttendedRows(logits: logits + entries, probabilities: probabilities + entries, stride: stride)
        }
    }

    /// The keys that the queries of a pass see.
    @unsafe struct Keys {
        let rows: UnsafeRawPointer
        let type: KVStorage
        /// Whether the fed token's key stands behind those of the lane.
        let includesFed: Bool
        /// The same side by side, where there are enough queries.
        var tiles: UnsafePointer<Float>?

        /// Without the first `count` ones, which fill whole tiles.
        func dropFirst(_ count: Int, headDim: Int) -> Keys {
            unsafe Keys(
                rows: rows + count * type.rowBytes(headDim: headDim), type: type, includesFed: includesFed,
                tiles: tiles.map { unsafe $0 + count * headDim })
        }
    }

    /// Rows of a pass from which on laying keys side by side costs less than it saves.
    private static var fewestTiledRows: Int { 32 }

    var scale: Float { unsafe rules.scale }

    // MARK: The prompt

    /// The first `count` keys of the lane for that many queries.
    func promptKeys(_ lane: Lane, count: Int, queries: Int) -> Keys {
        var keys = unsafe storedKeys(lane, from: 0)
        guard unsafe queries * groupSize >= Self.fewestTiledRows, unsafe KernelTable.tiles(keys.type) else {
            return unsafe keys
        }
        let tiles = unsafe scratch.keyTiles.base
        if unsafe job.cache.blockSlots == 0 {
            unsafe kernels.tileKeys(
                count: count, headDim: headDim, keys: keys.rows, keyType: keys.type, tiles: tiles)
        } else {
            var first = 0
            while first < count {
                let run = unsafe run(from: first, to: count, own: lane)
                unsafe kernels.tileKeys(
                    count: run.slots.count, headDim: headDim, keys: run.lane.keys + first * plan.layout.keyBytes,
                    keyType: keys.type, tiles: tiles + first * headDim)
                first = unsafe run.slots.upperBound
            }
        }
        unsafe keys.tiles = UnsafePointer(tiles)
        return unsafe keys
    }

    /// Attention of the queries in `slots`, which stand from `row` on: output rows written. The rows returned begin
    /// with the part of the first entry that the first query sees.
    func attendPrompt(
        _ lane: Lane, keys: Keys, slots: Range<Int>, row: Int, keepsLogits: Bool, normalises: Bool
    ) -> AttendedRows {
        let (group, base) = unsafe (groupSize, firstPartEntry(of: slots.lowerBound, lane))
        let count = slots.upperBound - base
        let attended = unsafe rows(count: count, keepsLogits: keepsLogits)
        for (index, slot) in slots.enumerated() {
            let position = unsafe plan.positions == .compact ? slot : slot + dropped
            unsafe placeQueries(row: row + index, at: index, position: position, keyType: keys.type)
        }
        unsafe fillLogits(
            keys.dropFirst(base, headDim: headDim), lane, base: base, rows: slots.count * group, count: count,
            attended)
        for (index, slot) in slots.enumerated() {
            for head in 0..<group {
                unsafe weigh(
                    attended.dropFirst(index * group + head), head: head, base: base, slot: slot, lane,
                    weights: partWeights(row: index * group + head))
            }
        }
        unsafe sumValues(lane, attended, slots: slots, base: base)
        for index in 0..<slots.count {
            unsafe output.pointer(row: row + index, column: kvHead * group * headDim)
                .update(from: scratch.sums.base + index * group * headDim, count: group * headDim)
        }
        for index in 0..<(normalises ? slots.count * group : 0) {
            unsafe LaneParts.normalise(
                attended.dropFirst(index).probabilities, count: slots.lowerBound + index / group + 1 - base,
                weights: partWeights(row: index))
        }
        return unsafe attended
    }

    /// The weights of a row's parts in scratch.
    private func partWeights(row: Int) -> UnsafeMutablePointer<Float> {
        unsafe scratch.partWeights.base + row * LaneParts.count(entries: scratch.slots)
    }

    /// Into scratch, part by part: entries that all queries see together, then for each later query those that it sees
    /// alone.
    private func sumValues(_ lane: Lane, _ attended: AttendedRows, slots: Range<Int>, base: Int) {
        let (group, partial) = unsafe (groupSize, scratch.partialSums.base)
        for part in 0..<LaneParts.count(entries: slots.upperBound - base) {
            let start = part * LaneParts.size
            func seen(by slot: Int) -> Int { min(LaneParts.size, max(0, slot + 1 - base - start)) }
            let common = seen(by: slots.lowerBound)
            let first = base + start
            unsafe addValues(
                of: first..<first + common, lane, rows: slots.count * group, weights: attended.probabilities + start,
                stride: attended.stride, accumulate: false, to: partial)
            for (index, slot) in slots.enumerated() {
                let own = seen(by: slot) - common
                if own > 0 {
                    unsafe addValues(
                        of: first + common..<first + common + own, lane, rows: group,
                        weights: attended.dropFirst(index * group).probabilities + start + common,
                        stride: attended.stride, accumulate: true, to: partial + index * group * headDim)
                }
                for row in index * group..<(own + common > 0 ? (index + 1) * group : index * group) {
                    unsafe kernels.weightedSum(
                        heads: 1, count: 1, headDim: headDim, weights: partWeights(row: row) + part, weightStride: 1,
                        values: partial + row * headDim, valueType: .f32, accumulate: part > 0,
                        output: scratch.sums.base + row * headDim, stride: headDim)
                }
            }
        }
    }

    /// Adds the values in `slots`, each times its weight, to [rows, headDim] sums; `weights` begin with the first slot.
    private func addValues(
        of slots: Range<Int>, _ lane: Lane, rows: Int, weights: UnsafePointer<Float>, stride: Int, accumulate: Bool,
        to sums: UnsafeMutablePointer<Float>
    ) {
        let layout = unsafe plan.layout
        var first = slots.lowerBound
        repeat {
            let run = unsafe run(from: first, to: slots.upperBound, own: lane)
            unsafe kernels.weightedSum(
                heads: rows, count: run.slots.count, headDim: headDim, weights: weights + first - slots.lowerBound,
                weightStride: stride, values: run.lane.values + first * layout.valueBytes,
                valueType: layout.valueStorage, accumulate: accumulate || first > slots.lowerBound, output: sums,
                stride: headDim)
            first = unsafe run.slots.upperBound
        } while first < slots.upperBound
    }

    // MARK: Parts of both

    /// Room for rows of `count` entries.
    private func rows(count: Int, keepsLogits: Bool) -> AttendedRows {
        let logits = unsafe scratch.logits.base
        return unsafe AttendedRows(
            logits: logits, probabilities: keepsLogits ? scratch.probabilities.base : logits,
            stride: LaneScratch.rowStride(count))
    }

    /// The keys from `slot` on as the logits want them: those of a compact RoPE lane are rotated in scratch, the fed
    /// one included.
    func storedKeys(_ lane: Lane, from slot: Int) -> Keys {
        guard unsafe rope != nil, unsafe plan.positions == .compact else {
            let rows = unsafe UnsafeRawPointer(lane.keys) + slot * plan.layout.keyBytes
            return unsafe Keys(rows: rows, type: plan.layout.keyStorage, includesFed: false)
        }
        let (stored, wide) = unsafe (scratch.roundedKeys.base, scratch.rotatedKeys.base)
        let rows = unsafe plan.storage == .f32 ? UnsafeRawPointer(wide) : UnsafeRawPointer(stored)
        return unsafe Keys(rows: rows, type: plan.storage, includesFed: true)
    }

    /// The queries in scratch.
    var queries: KernelTable.Queries {
        unsafe KernelTable.Queries(values: scratch.queries.base, blocks: scratch.queryBlocks.base)
    }

    /// Puts the group's queries of a row, rotated, into scratch as the `index`-th ones, ready for keys of `keyType`.
    func placeQueries(row: Int, at index: Int, position: Int, keyType: KVStorage) {
        let (group, first) = unsafe (groupSize, scratch.queries.base + index * groupSize * headDim)
        unsafe first.update(from: qkv.pointer(row: row, column: kvHead * group * headDim), count: group * headDim)
        if let rope = unsafe rope {
            for head in 0..<group {
                unsafe rope.rotate(first + head * headDim, position: position, kernels: kernels)
            }
        }
        unsafe kernels.prepareQueries(queries, from: index * group, count: group, headDim: headDim, keyType: keyType)
    }

    /// `keys` begin with entry `base` of the lane.
    private func fillLogits(
        _ keys: Keys, _ lane: Lane, base: Int, rows: Int, count: Int, _ attended: AttendedRows
    ) {
        guard let tiles = unsafe keys.tiles else {
            var first = base
            while first < base + count {
                let run = unsafe run(from: first, to: base + count, own: lane)
                let stored = unsafe UnsafeRawPointer(run.lane.keys) + first * plan.layout.keyBytes
                unsafe kernels.attentionLogits(
                    heads: rows, count: run.slots.count, headDim: headDim, scale: scale, queries: queries,
                    keys: job.cache.blockSlots == 0 ? keys.rows : stored, keyType: keys.type,
                    logits: attended.logits + first - base, stride: attended.stride)
                first = unsafe run.slots.upperBound
            }
            return
        }
        unsafe kernels.tileLogits(
            rows: rows, count: count, headDim: headDim, scale: scale, query: scratch.queries.base,
            queryStride: headDim, tiles: tiles, logits: attended.logits, stride: attended.stride)
    }

    /// Soft cap and position bias, and what the parts of the row need: exp of its logits and the weights of the parts.
    /// The row begins with entry `base`.
    private func weigh(
        _ row: AttendedRows, head: Int, base: Int, slot: Int, _ lane: Lane, weights: UnsafeMutablePointer<Float>
    ) {
        let count = slot + 1 - base
        if let softCap = unsafe rules.softCap {
            unsafe kernels.softCap(count: count, cap: softCap, x: row.logits)
        }
        if unsafe usesALiBi, case .alibi(let slopes) = unsafe rules.encoding {
            let positions = unsafe positions(lane)
            unsafe kernels.alibi(
                count: count, slope: slopes[kvHead * groupSize + head], queryPosition: (positions + slot).pointee,
                positions: positions + base, logits: row.logits)
        }
        if unsafe row.probabilities != row.logits { unsafe row.probabilities.update(from: row.logits, count: count) }
        let hidden = unsafe firstEntry(of: slot, lane) - base
        unsafe row.probabilities.update(repeating: -.infinity, count: hidden)
        let parts = LaneParts.count(entries: count)
        let sums = unsafe scratch.partSums.base
        for part in 0..<parts {
            let entries = LaneParts.entries(of: part, count: count)
            guard entries.upperBound > hidden else {
                // The query sees none of them.
                unsafe (row.probabilities + entries.lowerBound).update(repeating: 0, count: entries.count)
                unsafe (sums[part], weights[part]) = (0, -.infinity)
                continue
            }
            unsafe sums[part] = unsafe kernels.expSum(
                count: entries.count, values: row.probabilities + entries.lowerBound, maximum: weights + part)
        }
        unsafe LaneParts.weigh(parts: parts, maxima: weights, sums: sums, kernels: kernels)
    }
}
