internal import Kernels
internal import Tensors

/// One row of one head.
extension LanePass {
    /// A token that was fed into a full lane: its rows stand in scratch, in the lane's storage types.
    @unsafe struct FedToken {
        let position: Int
        let key: UnsafeRawPointer
        let value: UnsafeRawPointer
    }

    /// The entries that a row sees: `held` slots and then perhaps the fed token.
    @unsafe struct Entries {
        let lane: Lane
        let held: Int
        let fed: FedToken?
        /// Original positions, [held + fed].
        let positions: UnsafePointer<Int32>
        let passCount: Int
        let isPassStart: Bool

        var count: Int { unsafe held + (fed == nil ? 0 : 1) }
    }

    /// Who adds up scores of a lane: policy and target, numbered within the pass.
    @unsafe struct RowScorer {
        let plan: CachePlan
        let scores: UnsafeMutablePointer<Float>
        let number: Int
        let tap: AttentionTap

        init(plan: CachePlan, scores: UnsafeMutablePointer<Float>, number: Int) {
            unsafe self.plan = plan
            unsafe self.scores = scores
            unsafe self.number = number
            unsafe tap = plan.tap
        }
    }

    /// Attention of query head `head` of the group: output row written, logits and probabilities left in scratch.
    func attend(_ entries: Entries, head: Int, row: Int, queryPosition: Int) {
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
    }

    /// What the row that was just attended adds to the scores of the scorer's entries. A reduction by maximum has it
    /// with the last head of the group, and nil before.
    func score(
        _ entries: Entries, head: Int, queryPosition: Int, by scorer: RowScorer
    ) -> UnsafePointer<Float>? {
        let slots = unsafe scratch.slots
        let noise = unsafe scratch.noise.base + (scorer.number * shape.groupSize + head) * slots
        let observed = unsafe ObservedRow(
            count: entries.count, passCount: entries.passCount, isPassStart: entries.isPassStart,
            context: RowContext(
                layer: layer, queryHead: kvHead * shape.groupSize + head, queryPosition: queryPosition,
                call: job.cache.call, plannedTokens: scorer.plan.plannedTokens),
            values: scorer.tap == .logits ? scratch.logits.base : scratch.probabilities.base,
            positions: entries.positions, increments: scratch.increments.base, noise: noise,
            scratch: scratch.scratch.base)
        unsafe scorer.plan.policy.score(observed, kernels: kernels)
        let increments = unsafe scratch.increments.base
        guard unsafe scorer.plan.pooling.reduceHeads == .max else { return unsafe UnsafePointer(increments) }
        let largest = unsafe scratch.largestIncrements.base + scorer.number * slots
        if head == 0 {
            unsafe largest.update(from: increments, count: entries.count)
        } else {
            for index in unsafe 0..<entries.count {
                unsafe largest[index] = max(largest[index], increments[index])
            }
        }
        return unsafe head == shape.groupSize - 1 ? UnsafePointer(largest) : nil
    }

    /// Scaled logits with the position bias, into scratch.
    func fillLogits(_ entries: Entries, queryHead: Int, row: Int, queryPosition: Int) {
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
}
