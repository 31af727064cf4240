internal import Kernels
internal import Tensors

/// Scores by a second softmax over the logits, for all heads of the group together (see `NoisySoftmax`).
extension LanePass {
    /// Noise of the group's heads, as `KernelTable.noisyExpSums` takes it.
    @unsafe struct RowNoise {
        var values: UnsafePointer<Float>?
        var stride = 0
        /// Where the values stand by position, the entries' positions.
        var positions: UnsafePointer<Int32>?
    }

    /// Rows of the group's heads after the softmax but for the weights of their parts, which are its factor.
    @unsafe struct TemperedRows {
        let rows: UnsafePointer<Float>
        let stride: Int
        /// [groupSize, parts]
        let weights: UnsafePointer<Float>
        let parts: Int
    }

    // MARK: Noise

    /// Noise of the entries at `positions` for a decoded row: from the table, or drawn into scratch.
    func decodedNoise(_ softmax: NoisySoftmax, positions: UnsafePointer<Int32>, count: Int) -> RowNoise {
        guard softmax.noise != .none else { return unsafe RowNoise() }
        if let table = unsafe drawnNoise(softmax, plan) {
            return unsafe RowNoise(values: table, positions: positions)
        }
        let (values, stride) = unsafe (scratch.noise.base, scratch.slots)
        let tag = unsafe softmax.queryTag(position: job.cache.fedTokens)
        unsafe draw(softmax, positions: positions, count: count, tag: tag, into: values)
        return unsafe RowNoise(values: UnsafePointer(values), stride: stride)
    }

    /// Noise of `count` entries of a prompt from slot `first` on, in the scorer's part of scratch by slot. Fixed noise
    /// stays there from row to row; `passCount` are the entries from `first` on that the last row of the pass sees.
    func promptNoise(
        _ softmax: NoisySoftmax, positions: UnsafePointer<Int32>, first: Int, count: Int, passCount: Int,
        isPassStart: Bool, by scorer: RowScorer
    ) -> RowNoise {
        let (group, slots) = unsafe (groupSize, scratch.slots)
        let values = unsafe scratch.noise.base + scorer.number * group * slots + first
        switch softmax.noise {
        case .none: return unsafe RowNoise()
        case .perQuery:
            unsafe draw(
                softmax, positions: positions, count: count,
                tag: softmax.queryTag(position: first + count - 1 + dropped),
                into: values)
        case .fixed where isPassStart:
            if let table = unsafe drawnNoise(softmax, scorer.plan) {
                for head in 0..<group {
                    let row = unsafe values + head * slots
                    for slot in 0..<passCount { unsafe row[slot] = unsafe table[Int(positions[slot]) * group + head] }
                }
            } else {
                unsafe draw(softmax, positions: positions, count: passCount, tag: 0, into: values)
            }
        case .fixed: break
        }
        return unsafe RowNoise(values: UnsafePointer(values), stride: slots)
    }

    /// The lane's noise by position, where the table has it.
    private func drawnNoise(_ softmax: NoisySoftmax, _ plan: CachePlan) -> UnsafePointer<Float>? {
        guard let seed = softmax.fixedSeed else { return nil }
        return unsafe worker.noise.lane(seed: seed, layer: layer, kvHead: kvHead, positions: plan.fedTokens)
    }

    /// Noise of all heads of the group into rows that stand `scratch.slots` apart.
    private func draw(
        _ softmax: NoisySoftmax, positions: UnsafePointer<Int32>, count: Int, tag: UInt64,
        into values: UnsafeMutablePointer<Float>
    ) {
        for head in unsafe 0..<groupSize {
            let prefix = unsafe GumbelNoise.prefix(
                seed: softmax.seed, layer: layer, head: kvHead * groupSize + head)
            unsafe kernels.gumbel(
                count: count, prefix: prefix, positions: positions, queryTag: tag,
                noise: values + head * scratch.slots)
        }
    }

    // MARK: Softmax

    /// Adds what one query of a prompt gives to the scorer's scores, all from slot `first` on, the first that it sees.
    /// `attended` begins with the query's rows, which are used up unless `keepsLogits`.
    func scorePrompt(
        _ softmax: NoisySoftmax, _ attended: AttendedRows, positions: UnsafePointer<Int32>, first: Int, count: Int,
        passCount: Int, isPassStart: Bool, keepsLogits: Bool, by scorer: RowScorer
    ) {
        let (group, parts) = unsafe (groupSize, LaneParts.count(entries: count))
        let noise = unsafe promptNoise(
            softmax, positions: positions, first: first, count: count, passCount: passCount, isPassStart: isPassStart,
            by: scorer)
        var (rows, stride) = unsafe (attended.logits, attended.stride)
        if keepsLogits {
            unsafe (rows, stride) = unsafe (scratch.tempered.base, LaneScratch.rowStride(count))
            for head in 0..<group {
                unsafe (rows + head * stride).update(from: attended.logits + head * attended.stride, count: count)
            }
        }
        let (weights, sums) = unsafe (scratch.scoreWeights.base, scratch.scoreSums.base)
        let inverseTau = unsafe softmax.inverseTau(call: job.cache.call, plannedTokens: scorer.plan.plannedTokens)
        for part in 0..<parts {
            let entries = LaneParts.entries(of: part, count: count)
            unsafe kernels.noisyExpSums(
                heads: group, count: entries.count, inverseTau: inverseTau,
                noise: noise.values.map { unsafe $0 + entries.lowerBound }, noiseStride: noise.stride, positions: nil,
                rows: rows + entries.lowerBound, stride: stride, maxima: weights + part, sums: sums + part, step: parts)
        }
        let tempered = unsafe joinedParts(rows: rows, stride: stride, weights: weights, sums: sums, parts: parts)
        unsafe add(tempered, count: count, held: count, by: scorer)
    }

    /// Turns the maxima of the parts into their weights.
    func joinedParts(
        rows: UnsafeMutablePointer<Float>, stride: Int, weights: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>, parts: Int
    ) -> TemperedRows {
        for head in unsafe 0..<groupSize {
            unsafe LaneParts.weigh(
                parts: parts, maxima: weights + head * parts, sums: sums + head * parts, kernels: kernels)
        }
        return unsafe TemperedRows(rows: rows, stride: stride, weights: weights, parts: parts)
    }

    /// Adds rows of `count` entries to the scorer's scores. The first `held` entries have slots; what is added to one
    /// after them is returned.
    @discardableResult
    func add(_ tempered: TemperedRows, count: Int, held: Int, by scorer: RowScorer) -> Float {
        guard unsafe scorer.plan.pooling.reduceHeads == .sum else {
            return unsafe addLargest(tempered, count: count, held: held, by: scorer)
        }
        unsafe addParts(tempered, heads: 0..<groupSize, count: held, to: scorer.scores)
        var fedScore: Float = 0
        if count > held {
            unsafe kernels.addRows(
                heads: groupSize, count: 1, weights: tempered.weights + held / LaneParts.size,
                step: tempered.parts, rows: tempered.rows + held, stride: tempered.stride, to: &fedScore)
        }
        return fedScore
    }

    private func addLargest(_ tempered: TemperedRows, count: Int, held: Int, by scorer: RowScorer) -> Float {
        let increments = unsafe scratch.increments.base
        for head in unsafe 0..<groupSize {
            unsafe increments.update(repeating: 0, count: count)
            unsafe addParts(tempered, heads: head..<head + 1, count: count, to: increments)
            guard let largest = unsafe joined(count: count, head: head, by: scorer) else { continue }
            unsafe kernels.add(count: held, input: largest, to: scorer.scores)
            return unsafe count > held ? largest[held] : 0
        }
        return 0
    }

    private func addParts(
        _ tempered: TemperedRows, heads: Range<Int>, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        for part in 0..<LaneParts.count(entries: count) {
            let entries = LaneParts.entries(of: part, count: count)
            unsafe kernels.addRows(
                heads: heads.count, count: entries.count,
                weights: tempered.weights + heads.lowerBound * tempered.parts + part, step: tempered.parts,
                rows: tempered.rows + heads.lowerBound * tempered.stride + entries.lowerBound,
                stride: tempered.stride, to: target + entries.lowerBound)
        }
    }
}
