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

    /// Who adds up scores of a lane: the cache and the target, numbered within the pass.
    @unsafe struct RowScorer {
        private let cache: SequenceCache
        private(set) var scores: UnsafeMutablePointer<Float>
        let number: Int

        init(cache: SequenceCache, scores: UnsafeMutablePointer<Float>, number: Int) {
            unsafe self.cache = cache
            unsafe self.scores = scores
            unsafe self.number = number
        }

        var plan: CachePlan { unsafe cache.plan }
        var tap: AttentionTap { unsafe cache.plan.tap }
        var softmax: NoisySoftmax? { unsafe cache.plan.noisySoftmax }

        /// With the scores from slot `count` on.
        func dropFirst(_ count: Int) -> RowScorer {
            var dropped = unsafe self
            unsafe dropped.scores += count
            return unsafe dropped
        }
    }

    /// What a row of probabilities, of query head `head` of the group, adds to the scores of the scorer's entries, as
    /// `joined` has it.
    func score(
        _ values: UnsafePointer<Float>, count: Int, positions: UnsafePointer<Int32>, head: Int, queryPosition: Int,
        by scorer: RowScorer
    ) -> UnsafePointer<Float>? {
        let observed = unsafe ObservedRow(
            count: count,
            context: RowContext(
                layer: layer, queryHead: kvHead * groupSize + head, queryPosition: queryPosition,
                call: job.cache.call, plannedTokens: scorer.plan.plannedTokens),
            values: values, positions: positions, increments: scratch.increments.base)
        unsafe scorer.plan.policy.score(observed, kernels: kernels)
        return unsafe joined(count: count, head: head, by: scorer)
    }

    /// The increments of a head that stand in scratch. A reduction by maximum has them with the last head of the group,
    /// and nil before.
    func joined(count: Int, head: Int, by scorer: RowScorer) -> UnsafePointer<Float>? {
        let increments = unsafe scratch.increments.base
        guard unsafe scorer.plan.pooling.reduceHeads == .max else { return unsafe UnsafePointer(increments) }
        let largest = unsafe scratch.largestIncrements.base + scorer.number * scratch.slots
        if head == 0 {
            unsafe largest.update(from: increments, count: count)
        } else {
            for index in 0..<count { unsafe largest[index] = max(largest[index], increments[index]) }
        }
        return unsafe head == groupSize - 1 ? UnsafePointer(largest) : nil
    }
}
