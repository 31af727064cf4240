internal import Kernels
internal import Tensors

/// Feeding one token: it attends to the lane as it was and to itself, part by part; then one entry goes if the lane is
/// full.
extension LanePass {
    private var held: Int { unsafe job.cache.count(layer: layer, kvHead: kvHead) }

    /// In compact numbering the query is the last entry.
    private var queryIndex: Int { unsafe plan.positions == .compact ? held : job.cache.fedTokens }

    // MARK: Parts

    /// The same work for each of some parts. `following` are the keys that the thread is likely to read after them.
    func attend(_ parts: Range<Int>, _ decoded: DecodedLane, following: UnsafeRawPointer?) {
        let lane = unsafe job.cache.lane(layer: layer, kvHead: kvHead)
        unsafe placeQueries(
            row: job.firstRow, at: 0, position: queryIndex, keyType: storedKeys(lane, from: 0).type)
        for part in parts {
            let next = unsafe part + 1 < parts.upperBound ? firstKey(of: part + 1) : following
            unsafe attendPart(part, decoded, lane, following: next)
        }
    }

    /// Where the keys of a part stand.
    func firstKey(of part: Int) -> UnsafeRawPointer {
        unsafe job.cache.key(slot: part * LaneParts.size, layer: layer, kvHead: kvHead)
    }

    /// Logits, weights and sums of the entries of a part, for all heads of the group. The last part ends with the fed
    /// token, which it writes into its slot where there is one.
    private func attendPart(_ part: Int, _ decoded: DecodedLane, _ lane: Lane, following: UnsafeRawPointer?) {
        let held = unsafe held
        let entries = LaneParts.entries(of: part, count: held + 1)
        var fed: FedToken?
        if entries.upperBound > held { unsafe fed = unsafe feed(lane, held: held) }
        let stored = unsafe entries.lowerBound..<(fed == nil ? entries.upperBound : held)
        let (logits, stride) = unsafe partRows(decoded, entries, isLogits: true)
        unsafe fillLogits(lane, stored, fed, logits: logits, stride: stride)
        unsafe addBias(lane, stored, fed, logits: logits, stride: stride)
        let (weights, weightStride) = unsafe partRows(decoded, entries, isLogits: false)
        let storage = unsafe plan.layout.valueStorage
        for head in unsafe 0..<groupSize {
            let row = unsafe weights + head * weightStride
            if unsafe weights != logits { unsafe row.update(from: logits + head * stride, count: entries.count) }
            let place = unsafe head * decoded.parts + part
            unsafe decoded.sums[place] = unsafe kernels.expSum(
                count: entries.count, values: row, maximum: decoded.maxima + place)
        }
        if let softmax = unsafe softmax {
            unsafe scratch.timePolicy(worker.timesPolicy) {
                unsafe temper(softmax, part, entries, decoded, lane, fed)
            }
        }
        let values = unsafe decoded.values + part * headDim
        var first = stored.lowerBound
        repeat {
            let run = unsafe run(from: first, to: stored.upperBound, own: lane)
            unsafe kernels.weightedSum(
                heads: groupSize, count: run.slots.count, headDim: headDim,
                weights: weights + first - stored.lowerBound, weightStride: weightStride,
                values: run.lane.values + first * plan.layout.valueBytes, valueType: storage,
                accumulate: first > stored.lowerBound, output: values, stride: decoded.parts * headDim,
                ahead: following)
            first = unsafe run.slots.upperBound
        } while first < stored.upperBound
        guard let fed = unsafe fed else { return }
        unsafe kernels.weightedSum(
            heads: groupSize, count: 1, headDim: headDim, weights: weights + stored.count,
            weightStride: weightStride, values: fed.value, valueType: storage, accumulate: true, output: values,
            stride: decoded.parts * headDim)
    }

    /// Turns the part's logits, which attention has done with, into what the policy's softmax makes of them.
    private func temper(
        _ softmax: NoisySoftmax, _ part: Int, _ entries: Range<Int>, _ decoded: DecodedLane, _ lane: Lane,
        _ fed: FedToken?
    ) {
        guard let rows = unsafe decoded.rows else { return }
        var positions = unsafe UnsafePointer(lane.positions + entries.lowerBound)
        if let fed = unsafe fed {
            unsafe scratch.positions.base.update(from: positions, count: entries.count - 1)
            unsafe scratch.positions[entries.count - 1] = Int32(fed.position)
            unsafe positions = UnsafePointer(scratch.positions.base)
        }
        let noise = unsafe decodedNoise(softmax, positions: positions, count: entries.count)
        unsafe kernels.noisyExpSums(
            heads: groupSize, count: entries.count,
            inverseTau: softmax.inverseTau(call: job.cache.call, plannedTokens: plan.plannedTokens),
            noise: noise.values, noiseStride: noise.stride, positions: noise.positions,
            rows: rows + entries.lowerBound, stride: decoded.stride, maxima: decoded.scoreMaxima + part,
            sums: decoded.scoreSums + part, step: decoded.parts,
            ahead: lane.values + entries.lowerBound * plan.layout.valueBytes)
    }

    /// Puts the fed token into the next slot, or into scratch where the lane is full.
    private func feed(_ lane: Lane, held: Int) -> FedToken? {
        let (position, row) = unsafe (job.cache.fedTokens, job.firstRow)
        let key = unsafe rotatedKey(row: row, position: position)
        guard unsafe job.cache.replaces(layer: layer, kvHead: kvHead) else {
            unsafe lane.write(slot: held, position: position, key: key, value: value(row: row), kernels: kernels)
            return nil
        }
        let layout = unsafe plan.layout
        unsafe kernels.storeRows(count: 1, headDim: headDim, key, as: layout.keyStorage, at: scratch.fedKey.base)
        unsafe kernels.storeRows(
            count: 1, headDim: headDim, value(row: row), as: layout.valueStorage, at: scratch.fedValue.base)
        return unsafe FedToken(
            position: position, key: UnsafeRawPointer(scratch.fedKey.base),
            value: UnsafeRawPointer(scratch.fedValue.base))
    }

    /// Where the part's logits stand and what is made of them: in the lane's rows if the policy wants to see them, else
    /// in scratch.
    private func partRows(
        _ decoded: DecodedLane, _ entries: Range<Int>, isLogits: Bool
    ) -> (row: UnsafeMutablePointer<Float>, stride: Int) {
        let wanted = unsafe tap == .probabilities || (isLogits && tap == .logits)
        if wanted, let rows = unsafe decoded.rows { return unsafe (rows + entries.lowerBound, decoded.stride) }
        let stride = LaneScratch.rowStride(LaneParts.size)
        return unsafe (scratch.probabilities.base, stride)
    }

    private func fillLogits(
        _ lane: Lane, _ stored: Range<Int>, _ fed: FedToken?, logits: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let group = unsafe groupSize
        unsafe rotateCompactKeys(lane, stored, fedKey: fed?.key)
        guard unsafe job.cache.blockSlots == 0 else {
            var first = stored.lowerBound
            while first < stored.upperBound {
                let run = unsafe run(from: first, to: stored.upperBound, own: lane)
                unsafe kernels.attentionLogits(
                    heads: group, count: run.slots.count, headDim: headDim, scale: scale, queries: queries,
                    keys: run.lane.keys + first * plan.layout.keyBytes, keyType: plan.layout.keyStorage,
                    logits: logits + first - stored.lowerBound, stride: stride,
                    ahead: run.lane.values + first * plan.layout.valueBytes)
                first = unsafe run.slots.upperBound
            }
            return
        }
        let keys = unsafe storedKeys(lane, from: stored.lowerBound)
        let together = unsafe keys.includesFed && fed != nil ? stored.count + 1 : stored.count
        unsafe kernels.attentionLogits(
            heads: group, count: together, headDim: headDim, scale: scale, queries: queries, keys: keys.rows,
            keyType: keys.type, logits: logits, stride: stride,
            ahead: lane.values + stored.lowerBound * plan.layout.valueBytes)
        guard let fed = unsafe fed, unsafe !keys.includesFed else { return }
        unsafe kernels.attentionLogits(
            heads: group, count: 1, headDim: headDim, scale: scale, queries: queries, keys: fed.key,
            keyType: keys.type, logits: logits + stored.count, stride: stride)
    }

    /// What follows the products of queries and keys: the soft cap and the position bias.
    private func addBias(
        _ lane: Lane, _ stored: Range<Int>, _ fed: FedToken?, logits: UnsafeMutablePointer<Float>, stride: Int
    ) {
        if let softCap = unsafe rules.softCap {
            let count = unsafe stored.count + (fed == nil ? 0 : 1)
            for head in unsafe 0..<groupSize {
                unsafe kernels.softCap(count: count, cap: softCap, x: logits + head * stride)
            }
        }
        guard unsafe usesALiBi, case .alibi(let slopes) = unsafe rules.encoding else { return }
        let query = unsafe Int32(queryIndex)
        let positions = unsafe positions(lane)
        for head in unsafe 0..<groupSize {
            let slope = unsafe slopes[kvHead * groupSize + head]
            let row = unsafe logits + head * stride
            unsafe kernels.alibi(
                count: stored.count, slope: slope, queryPosition: query, positions: positions + stored.lowerBound,
                logits: row)
            // The fed token is its own query.
            guard unsafe fed != nil else { continue }
            var own = query
            unsafe kernels.alibi(
                count: 1, slope: slope, queryPosition: query, positions: &own, logits: row + stored.count)
        }
    }

    // MARK: All parts

    /// Joins the parts into the output row, scores the entries and makes room.
    func finishDecoded(_ decoded: DecodedLane) {
        let (held, position, row) = unsafe (held, job.cache.fedTokens, job.firstRow)
        let isFull = unsafe job.cache.replaces(layer: layer, kvHead: kvHead)
        unsafe joinParts(decoded, entries: held + 1)
        unsafe scratch.timePolicy(worker.timesPolicy) {
            let lane = unsafe job.cache.lane(layer: layer, kvHead: kvHead)
            let fedScore = unsafe score(lane, decoded, held: held, isFull: isFull)
            if !isFull {
                unsafe job.cache.setCount(held + 1, layer: layer, kvHead: kvHead)
            } else if unsafe plan.pooling.choosePer == .layer {
                unsafe job.cache.fedScores[kvHead] = fedScore
            } else {
                unsafe evict(lane, held: held, fedScore: fedScore, key: rotatedKey(row: row, position: position))
            }
        }
    }

    private func joinParts(_ decoded: DecodedLane, entries: Int) {
        let (group, parts) = unsafe (groupSize, decoded.parts)
        for head in 0..<group {
            let weights = unsafe decoded.maxima + head * parts
            unsafe LaneParts.weigh(parts: parts, maxima: weights, sums: decoded.sums + head * parts, kernels: kernels)
            unsafe kernels.weightedSum(
                heads: 1, count: parts, headDim: headDim, weights: weights, weightStride: parts,
                values: decoded.values + head * parts * headDim, valueType: .f32, accumulate: false,
                output: output.pointer(row: job.firstRow, column: (kvHead * group + head) * headDim), stride: headDim)
            if unsafe tap == .probabilities, let rows = unsafe decoded.rows {
                unsafe LaneParts.normalise(rows + head * decoded.stride, count: entries, weights: weights)
            }
        }
    }

    /// Adds what the row's heads give to the scores. Returns the score of a token without a slot.
    private func score(_ lane: Lane, _ decoded: DecodedLane, held: Int, isFull: Bool) -> Float {
        guard unsafe tap != .none, let rows = unsafe decoded.rows, let scores = unsafe lane.scores else { return 0 }
        let (group, position) = unsafe (groupSize, job.cache.fedTokens)
        let scorer = unsafe RowScorer(cache: job.cache, scores: scores, number: 0)
        guard unsafe tap == .probabilities else {
            let tempered = unsafe joinedParts(
                rows: rows, stride: decoded.stride, weights: decoded.scoreMaxima, sums: decoded.scoreSums,
                parts: decoded.parts)
            return unsafe add(tempered, count: held + 1, held: isFull ? held : held + 1, by: scorer)
        }
        var positions = unsafe UnsafePointer(lane.positions)
        if isFull {
            unsafe scratch.positions.base.update(from: lane.positions, count: held)
            unsafe scratch.positions.base[held] = Int32(position)
            unsafe positions = UnsafePointer(scratch.positions.base)
        }
        var fedScore: Float = 0
        for head in 0..<group {
            guard
                let increments = unsafe score(
                    rows + head * decoded.stride, count: held + 1, positions: positions, head: head,
                    queryPosition: position, by: scorer)
            else { continue }
            unsafe kernels.add(count: isFull ? held : held + 1, input: increments, to: scores)
            if isFull { fedScore += unsafe increments[held] }
        }
        return fedScore
    }

    /// Drops an entry of a full lane in favour of the fed token, or drops that.
    private func evict(_ lane: Lane, held: Int, fedScore: Float, key: UnsafePointer<Float>) {
        let view = unsafe scratch.view(
            held: held, positions: lane.positions, scores: lane.scores,
            fed: (position: Int32(job.cache.fedTokens), score: fedScore), neighbourhood: plan.pooling.neighbourhood)
        unsafe replace(victim(view), fedScore: fedScore, key: key)
    }

    /// The slot of the entry that the next query will not see, or else the one that a step's plan names.
    func victim(_ view: LaneView) -> Int {
        if let window = unsafe window,
            let expired = unsafe view.index(ofPosition: Int32(clamping: job.cache.fedTokens + 1 - window))
        {
            return expired
        }
        guard
            case .evict(let slot) = unsafe plan.policy.plan(.step, lane: view, budget: slots, kernels: kernels)
        else {
            preconditionFailure("policy \(unsafe plan.policyName) planned more than one eviction in a decode step")
        }
        return slot
    }

    /// Puts the fed token in the place of the entry in `slot`; past the last one it is the fed token that goes.
    func replace(_ slot: Int, fedScore: Float, key: UnsafePointer<Float>) {
        let (held, position, row) = unsafe (held, job.cache.fedTokens, job.firstRow)
        guard slot < held else { return }
        let lane = unsafe job.cache.lane(layer: layer, kvHead: kvHead)
        var slot = slot
        if unsafe plan.positions == .compact {
            unsafe lane.closeGap(at: slot, count: held)
            slot = held - 1
        }
        unsafe lane.write(slot: slot, position: position, key: key, value: value(row: row), kernels: kernels)
        if let scores = unsafe lane.scores { unsafe scores[slot] = fedScore }
    }
}
