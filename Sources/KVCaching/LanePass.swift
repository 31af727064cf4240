internal import Kernels
internal import Tensors

/// The rows of one step on one lane. Plain addresses and numbers but for the worker's object and the cache.
@unsafe struct LanePass {
    let worker: LaneWorker
    let job: AttentionJob
    let layer: Int
    let kvHead: Int
    let qkv: RowAddresses
    let output: RowAddresses

    // Read once for all rows of the pass.
    let headDim: Int
    let groupSize: Int
    let rope: RoPEAngles?
    let usesALiBi: Bool
    let window: Int?
    /// Of the lane.
    let slots: Int
    /// Of a prompt: entries of the lane before it, and tokens fed before it that have no slot. The row in slot s has
    /// position s + dropped.
    let entriesBefore: Int
    let dropped: Int
    let tap: AttentionTap
    let softmax: NoisySoftmax?

    init(
        worker: LaneWorker, job: AttentionJob, layer: Int, kvHead: Int, qkv: RowAddresses, output: RowAddresses
    ) {
        unsafe self.worker = worker
        unsafe self.job = job
        unsafe self.layer = layer
        unsafe self.kvHead = kvHead
        unsafe self.qkv = qkv
        unsafe self.output = output
        unsafe headDim = worker.shape.headDim
        unsafe groupSize = worker.shape.groupSize
        unsafe rope = worker.layers[layer].encoding.angles(tokens: job.cache.plan.rotaryTokens)
        unsafe usesALiBi = worker.layers[layer].encoding.isALiBi
        unsafe window = worker.shape.window(layer: layer)
        unsafe slots = job.cache.plan.laneSlots(layer: layer)
        let before =
            job.promptRows == nil || !job.cache.plan.isTurn
            ? 0 : job.cache.count(layer: layer, kvHead: kvHead)
        unsafe entriesBefore = before
        unsafe dropped = job.cache.plan.startTokens - before
        unsafe tap = job.cache.plan.tap
        unsafe softmax = tap == .logits ? job.cache.plan.noisySoftmax : nil
    }

    // Not copied: each copy would count references to what the plan is made of.
    var plan: CachePlan { unsafe job.cache.plan }
    var shape: CacheShape { unsafe worker.shape }
    var kernels: KernelTable { unsafe worker.kernels }
    var scratch: LaneScratch { unsafe worker.scratch }
    /// The layer's.
    var rules: LayerAttention { unsafe worker.layers[layer] }

    // MARK: The prompt

    /// Appends the rows, attends and scores, and prunes the lane after the prompt's last row.
    func prompt(_ rows: Range<Int>) {
        unsafe appendPrompt(rows)
        unsafe attendPrompt(rows, queries: rows)
        unsafe endPrompt(rows)
    }

    /// Writes the rows' keys and values. The first rows bring the entries of the turns before into staging, or those of
    /// a prefix into the lane.
    func appendPrompt(_ rows: Range<Int>) {
        let lane = unsafe job.cache.promptLane(layer: layer, kvHead: kvHead)
        if rows.lowerBound == 0, unsafe entriesBefore > 0, unsafe plan.dropsPrompt(layer: layer) {
            unsafe lane.copy(count: entriesBefore, from: job.cache.lane(layer: layer, kvHead: kvHead))
        }
        if unsafe rows.lowerBound == job.cache.copiedTokens {
            unsafe job.cache.copyBlocks(to: lane, layer: layer, kvHead: kvHead)
        }
        let slots = unsafe slots(of: rows)
        var first = slots.lowerBound
        while first < slots.upperBound {
            let run = unsafe run(from: first, to: slots.upperBound, own: lane)
            for slot in unsafe run.slots {
                let row = unsafe job.firstRow + slot - slots.lowerBound
                unsafe run.lane.write(
                    slot: slot, position: slot + dropped, key: rotatedKey(row: row, position: slot + dropped),
                    value: value(row: row), kernels: kernels)
            }
            first = unsafe run.slots.upperBound
        }
    }

    /// The slots that prompt rows get.
    private func slots(of rows: Range<Int>) -> Range<Int> {
        unsafe entriesBefore + rows.lowerBound..<entriesBefore + rows.upperBound
    }

    /// Attention and scores of those of the pass's rows that are in `queries`, when all rows are written. Where
    /// somebody scores, they are all rows.
    func attendPrompt(_ rows: Range<Int>, queries: Range<Int>) {
        let lane = unsafe job.cache.promptLane(layer: layer, kvHead: kvHead)
        let (rows, queries) = unsafe (slots(of: rows), slots(of: queries))
        unsafe rotateCompactKeys(lane, 0..<queries.upperBound, fedKey: nil)
        let scorers = unsafe promptScorers(rows)
        let keepsLogits = unsafe scorers.contains { unsafe $0.tap == .logits }
        let normalises = unsafe scorers.contains { unsafe $0.tap == .probabilities }
        let keys = unsafe promptKeys(lane, count: queries.upperBound, queries: queries.count)
        let most = unsafe scratch.queriesPerTile(count: queries.upperBound, groupSize: groupSize)
        for first in stride(from: queries.lowerBound, to: queries.upperBound, by: most) {
            let slots = first..<min(queries.upperBound, first + most)
            let attended = unsafe attendPrompt(
                lane, keys: keys, slots: slots, row: job.firstRow + first - rows.lowerBound,
                keepsLogits: keepsLogits, normalises: normalises)
            let base = unsafe firstPartEntry(of: first, lane)
            for slot in slots where unsafe !scorers.isEmpty {
                let start = unsafe firstEntry(of: slot, lane)
                unsafe scratch.timePolicy(worker.timesPolicy) {
                    unsafe scorePrompt(
                        lane,
                        attended.dropFirst((slot - first) * groupSize).dropFirst(entries: start - base),
                        start: start, slot: slot, pass: rows, by: scorers)
                }
            }
        }
    }

    /// Prunes the lane after the prompt's last row.
    func endPrompt(_ rows: Range<Int>) {
        guard unsafe rows.upperBound == plan.promptTokens else { return }
        unsafe scratch.timePolicy(worker.timesPolicy) {
            unsafe PromptEnd(leader: job.cache, layer: layer, kernels: kernels, scratch: scratch)
                .fillLane(kvHead: kvHead)
        }
    }

    /// Adds what the heads of the query in `slot`, whose rows come first in `attended` and begin with slot `start`,
    /// give to all scores. `pass` are the slots of all rows of the pass.
    private func scorePrompt(
        _ lane: Lane, _ attended: AttendedRows, start: Int, slot: Int, pass: Range<Int>, by scorers: [RowScorer]
    ) {
        let positions = unsafe UnsafePointer(lane.positions) + start
        let count = slot + 1 - start
        let last = unsafe scorers.lastIndex { unsafe $0.softmax != nil }
        for index in unsafe scorers.indices {
            let scorer = unsafe scorers[index].dropFirst(start)
            if let softmax = unsafe scorer.softmax {
                unsafe scorePrompt(
                    softmax, attended, positions: positions, first: start, count: count,
                    passCount: pass.upperBound - start, isPassStart: slot == pass.lowerBound,
                    keepsLogits: index != last, by: scorer)
                continue
            }
            for head in unsafe 0..<groupSize {
                let row = unsafe UnsafePointer(attended.dropFirst(head).probabilities)
                guard
                    let increments = unsafe score(
                        row, count: count, positions: positions, head: head, queryPosition: slot + dropped,
                        by: scorer)
                else { continue }
                unsafe kernels.add(count: count, input: increments, to: scorer.scores)
            }
        }
    }

    /// The first entry of a prompt that the query in `slot` sees.
    func firstEntry(of slot: Int, _ lane: Lane) -> Int {
        guard let window = unsafe window else { return 0 }
        return unsafe lane.firstSlot(
            from: slot + dropped + 1 - window, sorted: entriesBefore, following: dropped)
    }

    /// Where the part of that entry begins.
    func firstPartEntry(of slot: Int, _ lane: Lane) -> Int {
        unsafe firstEntry(of: slot, lane) / LaneParts.size * LaneParts.size
    }

    /// Those that add up scores while the prompt runs, with zeroes for the new rows' slots.
    private func promptScorers(_ rows: Range<Int>) -> [RowScorer] {
        let (leader, family) = unsafe (job.cache, job.cache.family)
        var scorers = unsafe [RowScorer]()
        for (number, index) in family.scorers.enumerated() {
            let member = family.member(index, leader: leader)
            guard let scores = unsafe member.promptScores(layer: layer, kvHead: kvHead) else { continue }
            unsafe (scores + rows.lowerBound).update(repeating: 0, count: rows.count)
            unsafe scorers.append(RowScorer(cache: member, scores: scores, number: number))
        }
        return unsafe scorers
    }
}
