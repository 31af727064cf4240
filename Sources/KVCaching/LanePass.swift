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
    let plan: CachePlan
    let shape: CacheShape
    let kernels: KernelTable
    let headDim: Int

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
        let scorers = unsafe promptScorers(rows)
        let keepsLogits = unsafe scorers.contains { unsafe $0.tap == .logits }
        let keys = unsafe promptKeys(lane, count: rows.upperBound, queries: rows.count)
        let most = unsafe scratch.queriesPerTile(count: rows.upperBound, groupSize: shape.groupSize)
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: most) {
            let positions = first..<min(rows.upperBound, first + most)
            let attended = unsafe attendPrompt(
                lane, keys: keys, positions: positions, row: job.firstRow + first - rows.lowerBound,
                keepsLogits: keepsLogits)
            for position in positions where unsafe !scorers.isEmpty {
                let entries = unsafe Entries(
                    lane: lane, held: position + 1, fed: nil, positions: UnsafePointer(lane.positions),
                    passCount: rows.upperBound, isPassStart: position == rows.lowerBound)
                unsafe scorePrompt(
                    entries, attended.dropFirst((position - first) * shape.groupSize), position: position,
                    by: scorers)
            }
        }
        guard unsafe rows.upperBound == plan.promptTokens else { return }
        unsafe PromptEnd(leader: job.cache, layer: layer, kernels: kernels, scratch: scratch).fillLane(kvHead: kvHead)
    }

    /// Adds what the heads of one query, whose rows come first in `attended`, give to all scores.
    private func scorePrompt(_ entries: Entries, _ attended: AttendedRows, position: Int, by scorers: [RowScorer]) {
        for head in unsafe 0..<shape.groupSize {
            for index in unsafe scorers.indices {
                guard
                    let increments = unsafe score(
                        entries, attended.dropFirst(head), head: head, queryPosition: position, by: scorers[index])
                else { continue }
                unsafe kernels.add(count: position + 1, input: increments, to: scorers[index].scores)
            }
        }
    }

    /// Those that add up scores while the prompt runs, with zeroes for the new rows.
    private func promptScorers(_ rows: Range<Int>) -> [RowScorer] {
        let (leader, family) = unsafe (job.cache, job.cache.family)
        var scorers = unsafe [RowScorer]()
        for (number, index) in family.scorers.enumerated() {
            let member = family.member(index, leader: leader)
            guard let scores = unsafe member.promptScores(layer: layer, kvHead: kvHead) else { continue }
            unsafe (scores + rows.lowerBound).update(repeating: 0, count: rows.count)
            unsafe scorers.append(RowScorer(plan: member.plan, scores: scores, number: number))
        }
        return unsafe scorers
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
        if unsafe plan.pooling.choosePer == .layer {
            unsafe job.cache.fedScores[kvHead] = fedScore
        } else {
            unsafe evict(lane, held: held, fedScore: fedScore, key: key)
        }
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
        let attended = unsafe attendDecoded(entries, position: position, keepsLogits: plan.tap == .logits)
        guard unsafe plan.tap != .none, let scores = unsafe lane.scores else { return 0 }
        let scorer = unsafe RowScorer(plan: plan, scores: scores, number: 0)
        var fedScore: Float = 0
        for head in unsafe 0..<shape.groupSize {
            guard
                let increments = unsafe score(
                    entries, attended.dropFirst(head), head: head, queryPosition: position, by: scorer)
            else { continue }
            unsafe kernels.add(count: held, input: increments, to: scores)
            if unsafe fed != nil { fedScore += unsafe increments[held] }
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

    /// The slot that a step's plan names.
    func victim(_ view: LaneView) -> Int {
        guard
            case .evict(let slot) = unsafe plan.policy.plan(
                .step, lane: view, budget: plan.laneSlots, kernels: kernels)
        else {
            preconditionFailure("policy \(unsafe plan.policyName) planned more than one eviction in a decode step")
        }
        return slot
    }

    /// Puts the fed token in the place of the entry in `slot`; past the last one it is the fed token that goes.
    func replace(_ slot: Int, fedScore: Float, key: UnsafePointer<Float>) {
        let (held, position, row) = unsafe (plan.laneSlots, job.cache.fedTokens, job.firstRow)
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
