internal import Kernels
internal import Tensors

/// The rows of one step on one lane.
@unsafe struct LanePass {
    let attention: LaneAttention
    let job: AttentionJob
    let layer: Int
    let kvHead: Int
    let qkv: ActivationRows
    let output: ActivationRows
    let scratch: LaneScratch

    // Read once for all rows of the pass.
    private let plan: CachePlan
    private let policy: any EvictionPolicy
    private let tap: AttentionTap
    private let shape: CacheShape
    private let kernels: KernelTable
    private let headDim: Int

    init(
        attention: LaneAttention, job: AttentionJob, layer: Int, kvHead: Int, qkv: ActivationRows,
        output: ActivationRows,
        scratch: LaneScratch
    ) {
        unsafe self.attention = attention
        unsafe self.job = job
        unsafe self.layer = layer
        unsafe self.kvHead = kvHead
        unsafe self.qkv = qkv
        unsafe self.output = output
        unsafe self.scratch = scratch
        unsafe plan = job.cache.plan
        unsafe policy = job.cache.plan.policy
        unsafe tap = job.cache.plan.canEvict ? job.cache.plan.policy.tap : .none
        unsafe shape = attention.shape
        unsafe kernels = attention.kernels
        unsafe headDim = attention.shape.headDim
    }

    // MARK: The prompt

    /// Appends the rows, attends and scores, and prunes the lane after the prompt's last row.
    func prompt(_ rows: Range<Int>) {
        let lane = unsafe job.cache.promptLane(layer: layer, kvHead: kvHead)
        for position in rows {
            let row = unsafe job.firstRow + position - rows.lowerBound
            unsafe lane.write(
                slot: position, position: position, key: rotatedKey(row: row, position: position),
                value: value(row: row),
                kernels: kernels)
        }
        unsafe rotateCompactKeys(lane, count: rows.upperBound, fedKey: nil)
        for position in rows {
            for head in unsafe 0..<shape.groupSize {
                let entries = unsafe Entries(
                    lane: lane, held: position + 1, fed: nil, positions: UnsafePointer(lane.positions),
                    passCount: rows.upperBound, isPassStart: position == rows.lowerBound)
                unsafe attend(
                    entries, head: head, row: job.firstRow + position - rows.lowerBound, queryPosition: position)
                if let scores = unsafe lane.scores, unsafe tap != .none {
                    unsafe kernels.add(count: position + 1, input: scratch.increments.base, to: scores)
                }
            }
        }
        if unsafe rows.upperBound == plan.promptTokens { unsafe endPrompt(lane) }
    }

    private func endPrompt(_ promptLane: Lane) {
        let (count, slots) = unsafe (plan.promptTokens, plan.laneSlots)
        guard count > slots else {
            unsafe job.cache.setCount(count, layer: layer, kvHead: kvHead)
            return
        }
        let view = unsafe LaneView(held: count, positions: promptLane.positions, scores: promptLane.scores)
        guard case .keep(let kept) = unsafe policy.plan(.promptEnd, lane: view, budget: slots, kernels: kernels),
            kept.count == slots
        else {
            preconditionFailure("policy \(unsafe plan.policyName) did not keep \(slots) of \(count) prompt tokens")
        }
        let lane = unsafe job.cache.lane(layer: layer, kvHead: kvHead)
        for (slot, source) in kept.enumerated() { unsafe lane.copy(slot: slot, from: promptLane, slot: source) }
        unsafe job.cache.setCount(slots, layer: layer, kvHead: kvHead)
    }

    // MARK: Decoding

    /// Feeds one token: it attends to the lane as it was and to itself, then one entry goes if the lane is full.
    func decode() {
        let lane = unsafe job.cache.lane(layer: layer, kvHead: kvHead)
        let held = unsafe job.cache.count(layer: layer, kvHead: kvHead)
        let position = unsafe job.cache.fedTokens
        let row = unsafe job.firstRow
        let key = unsafe rotatedKey(row: row, position: position)
        guard unsafe held == plan.laneSlots else {
            unsafe lane.write(slot: held, position: position, key: key, value: value(row: row), kernels: kernels)
            unsafe attendDecoded(lane, held: held + 1, fed: nil, position: position)
            unsafe job.cache.setCount(held + 1, layer: layer, kvHead: kvHead)
            return
        }
        let fed = unsafe FedToken(
            position: position, key: UnsafeRawPointer(scratch.fedKey.base),
            value: UnsafeRawPointer(scratch.fedValue.base))
        let layout = unsafe plan.layout
        unsafe Lane.store(key, as: layout.keyStorage, count: headDim, at: scratch.fedKey.base, kernels: kernels)
        unsafe Lane.store(
            value(row: row), as: layout.valueStorage, count: headDim, at: scratch.fedValue.base, kernels: kernels)
        let fedScore = unsafe attendDecoded(lane, held: held, fed: fed, position: position)
        unsafe evict(lane, held: held, fedScore: fedScore, position: position, key: key, row: row)
    }

    /// Attention and scores of the fed token's row for every head of the group. Returns the score of a token without
    /// a slot.
    @discardableResult
    private func attendDecoded(_ lane: Lane, held: Int, fed: FedToken?, position: Int) -> Float {
        let count = unsafe held + (fed == nil ? 0 : 1)
        unsafe scratch.positions.base.update(from: lane.positions, count: held)
        unsafe scratch.positions.base[count - 1] = Int32(position)
        unsafe rotateCompactKeys(lane, count: held, fedKey: fed?.key)
        let entries = unsafe Entries(
            lane: lane, held: held, fed: fed, positions: UnsafePointer(scratch.positions.base), passCount: count,
            isPassStart: true)
        var fedScore: Float = 0
        for head in unsafe 0..<shape.groupSize {
            unsafe attend(entries, head: head, row: job.firstRow, queryPosition: position)
            guard let scores = unsafe lane.scores, unsafe tap != .none else { continue }
            unsafe kernels.add(count: held, input: scratch.increments.base, to: scores)
            if unsafe fed != nil { fedScore += unsafe scratch.increments.base[held] }
        }
        return fedScore
    }

    private func evict(
        _ lane: Lane, held: Int, fedScore: Float, position: Int, key: UnsafePointer<Float>, row: Int
    ) {
        let view = unsafe LaneView(
            held: held, positions: lane.positions, scores: lane.scores, fedPosition: Int32(position), fedScore: fedScore
        )
        guard case .evict(var slot) = unsafe policy.plan(.step, lane: view, budget: held, kernels: kernels) else {
            preconditionFailure("policy \(unsafe plan.policyName) planned more than one eviction in a decode step")
        }
        guard slot < held else { return }
        if unsafe plan.positions == .compact {
            unsafe lane.closeGap(at: slot, count: held)
            slot = held - 1
        }
        unsafe lane.write(slot: slot, position: position, key: key, value: value(row: row), kernels: kernels)
        if let scores = unsafe lane.scores { unsafe scores[slot] = fedScore }
    }

    // MARK: One row of one head

    /// A token that was fed into a full lane: its rows stand in scratch, in the lane's storage types.
    @unsafe private struct FedToken {
        let position: Int
        let key: UnsafeRawPointer
        let value: UnsafeRawPointer
    }

    /// The entries that a row sees: `held` slots and then perhaps the fed token.
    @unsafe private struct Entries {
        let lane: Lane
        let held: Int
        let fed: FedToken?
        /// Original positions, [held + fed].
        let positions: UnsafePointer<Int32>
        let passCount: Int
        let isPassStart: Bool

        var count: Int { unsafe held + (fed == nil ? 0 : 1) }
    }

    /// Attention of query head `head` of the group: output row written, increments filled for policies with a tap.
    private func attend(_ entries: Entries, head: Int, row: Int, queryPosition: Int) {
        let count = unsafe entries.count
        let queryHead = unsafe kvHead * shape.groupSize + head
        unsafe fillLogits(entries, queryHead: queryHead, row: row, queryPosition: queryPosition)
        let probabilities = unsafe scratch.probabilities.base
        unsafe probabilities.update(from: scratch.logits.base, count: count)
        unsafe kernels.softmax(count: count, values: probabilities)
        let target = unsafe output.pointer(row: row, column: queryHead * headDim)
        let storage = unsafe plan.layout.valueStorage
        unsafe kernels.weightedSum(
            heads: 1, count: entries.held, headDim: headDim, weights: probabilities, weightStride: 0,
            values: entries.lane.values, valueType: storage, accumulate: false, output: target, stride: 0)
        if let fed = unsafe entries.fed {
            unsafe kernels.weightedSum(
                heads: 1, count: 1, headDim: headDim, weights: probabilities + entries.held, weightStride: 0,
                values: fed.value, valueType: storage, accumulate: true, output: target, stride: 0)
        }
        guard unsafe entries.lane.scores != nil, unsafe tap != .none else { return }
        let observed = unsafe ObservedRow(
            count: count, passCount: entries.passCount, isPassStart: entries.isPassStart,
            context: RowContext(
                layer: layer, queryHead: queryHead, queryPosition: queryPosition, call: job.cache.call,
                plannedTokens: plan.plannedTokens),
            values: tap == .logits ? scratch.logits.base : probabilities, positions: entries.positions,
            increments: scratch.increments.base, noise: scratch.noise.base + head * scratch.slots,
            scratch: scratch.scratch.base)
        unsafe policy.score(observed, kernels: kernels)
    }

    /// Scaled logits with the position bias, into scratch.
    private func fillLogits(_ entries: Entries, queryHead: Int, row: Int, queryPosition: Int) {
        let (count, held) = unsafe (entries.count, entries.held)
        let isCompact = unsafe plan.positions == .compact
        // In compact numbering the query is the last entry.
        let queryIndex = isCompact ? count - 1 : queryPosition
        let query = unsafe scratch.query.base
        unsafe query.update(from: qkv.pointer(row: row, column: queryHead * headDim), count: headDim)
        let logits = unsafe scratch.logits.base
        let scale = unsafe 1 / Float(headDim).squareRoot()
        if case .rope(let table) = unsafe attention.encoding {
            unsafe table.rotate(query, position: queryIndex, kernels: kernels)
            if isCompact {
                let keys: UnsafeRawPointer =
                    unsafe plan.storage == .f16
                    ? UnsafeRawPointer(scratch.rotatedHalfKeys.base) : UnsafeRawPointer(scratch.rotatedKeys.base)
                unsafe kernels.attentionLogits(
                    heads: 1, count: count, headDim: headDim, scale: scale, query: query, queryStride: 0, keys: keys,
                    keyType: plan.storage, logits: logits, stride: 0)
                return
            }
        }
        let storage = unsafe plan.layout.keyStorage
        unsafe kernels.attentionLogits(
            heads: 1, count: held, headDim: headDim, scale: scale, query: query, queryStride: 0,
            keys: entries.lane.keys, keyType: storage, logits: logits, stride: 0)
        if let fed = unsafe entries.fed {
            unsafe kernels.attentionLogits(
                heads: 1, count: 1, headDim: headDim, scale: scale, query: query, queryStride: 0, keys: fed.key,
                keyType: storage, logits: logits + held, stride: 0)
        }
        if case .alibi(let slopes) = unsafe attention.encoding {
            unsafe kernels.alibi(
                count: count, slope: slopes[queryHead], queryPosition: Int32(queryIndex),
                positions: isCompact ? UnsafePointer(scratch.indexes.base) : entries.positions, logits: logits)
        }
    }

    // MARK: Keys and values of the fed rows

    /// The row's key in scratch, rotated to its position unless the lane keeps unrotated keys.
    private func rotatedKey(row: Int, position: Int) -> UnsafePointer<Float> {
        let key = unsafe scratch.key.base
        unsafe key.update(from: qkv.pointer(row: row, column: (shape.queryHeads + kvHead) * headDim), count: headDim)
        if case .rope(let table) = unsafe attention.encoding, unsafe plan.positions == .original {
            unsafe table.rotate(key, position: position, kernels: kernels)
        }
        return unsafe UnsafePointer(key)
    }

    private func value(row: Int) -> UnsafePointer<Float> {
        unsafe UnsafePointer(qkv.pointer(row: row, column: (shape.queryHeads + shape.kvHeads + kvHead) * headDim))
    }

    /// Compact RoPE lanes: all keys rotated to their indexes into scratch, rounded as rotated keys would have been
    /// stored.
    private func rotateCompactKeys(_ lane: Lane, count: Int, fedKey: UnsafeRawPointer?) {
        guard case .rope(let table) = unsafe attention.encoding, unsafe plan.positions == .compact else { return }
        let rotated = unsafe scratch.rotatedKeys.base
        let keys = unsafe lane.keys.assumingMemoryBound(to: Float.self)
        unsafe rotated.update(from: keys, count: count * headDim)
        var total = count
        if let fedKey = unsafe fedKey {
            unsafe (rotated + count * headDim).update(from: fedKey.assumingMemoryBound(to: Float.self), count: headDim)
            total += 1
        }
        for index in 0..<total { unsafe table.rotate(rotated + index * headDim, position: index, kernels: kernels) }
        if unsafe plan.storage == .f16 {
            unsafe kernels.toF16(count: total * headDim, input: rotated, output: scratch.rotatedHalfKeys.base)
        }
    }
}
