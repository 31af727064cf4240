internal import Kernels
internal import Tensors

/// What the rows of a pass see, and what they give to the scores.
extension LanePass {
    /// A token that was fed into a full lane: its rows stand in scratch, in the lane's storage types.
    @unsafe struct FedToken {
        let position: Int
        let key: UnsafeRawPointer
        let value: UnsafeRawPointer
    }

    /// The entries that a row sees: slots and then perhaps the fed token.
    @unsafe struct Entries {
        /// Slot of the first one.
        let first: Int
        let count: Int
        /// Original positions, [passCount].
        let positions: UnsafePointer<Int32>
        let passCount: Int
        let isPassStart: Bool
    }

    /// Who adds up scores of a lane: policy and target, numbered within the pass.
    @unsafe struct RowScorer {
        let plan: CachePlan
        let scores: UnsafeMutablePointer<Float>
        let number: Int
        let tap: AttentionTap
        let noiseSeed: UInt64?

        init(plan: CachePlan, scores: UnsafeMutablePointer<Float>, number: Int) {
            unsafe self.plan = plan
            unsafe self.scores = scores
            unsafe self.number = number
            unsafe tap = plan.tap
            unsafe noiseSeed = plan.policy.fixedNoiseSeed
        }
    }

    /// What the first of the attended rows, of query head `head` of the group, adds to the scores of the scorer's
    /// entries. A reduction by maximum has it
    /// with the last head of the group, and nil before.
    func score(
        _ entries: Entries, _ attended: AttendedRows, head: Int, queryPosition: Int, by scorer: RowScorer
    ) -> UnsafePointer<Float>? {
        let rowSlots = unsafe scratch.slots
        let noise = unsafe scratch.noise.base + (scorer.number * shape.groupSize + head) * rowSlots
            + entries.first
        let observed = unsafe ObservedRow(
            count: entries.count, passCount: entries.passCount, isPassStart: entries.isPassStart,
            context: RowContext(
                layer: layer, queryHead: kvHead * shape.groupSize + head, queryPosition: queryPosition,
                call: job.cache.call, plannedTokens: scorer.plan.plannedTokens),
            values: scorer.tap == .logits ? attended.logits : attended.probabilities,
            positions: entries.positions, increments: scratch.increments.base, noise: noise,
            noiseByPosition: scorer.noiseSeed.flatMap { seed in
                unsafe attention.noise.row(
                    seed: seed, layer: layer, head: kvHead * shape.groupSize + head,
                    positions: scorer.plan.fedTokens)
            },
            scratch: scratch.scratch.base)
        unsafe scorer.plan.policy.score(observed, kernels: kernels)
        let increments = unsafe scratch.increments.base
        guard unsafe scorer.plan.pooling.reduceHeads == .max else { return unsafe UnsafePointer(increments) }
        let largest = unsafe scratch.largestIncrements.base + scorer.number * rowSlots
        if head == 0 {
            unsafe largest.update(from: increments, count: entries.count)
        } else {
            for index in unsafe 0..<entries.count {
                unsafe largest[index] = max(largest[index], increments[index])
            }
        }
        return unsafe head == shape.groupSize - 1 ? UnsafePointer(largest) : nil
    }
}
