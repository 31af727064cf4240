internal import Kernels
internal import Tensors

extension LaneScratch {
    /// What a policy plans on: the entries with the scores that its pooling makes of `scores`. The view is valid until
    /// the scratch is used again.
    @unsafe func view(
        held: Int, positions: UnsafePointer<Int32>, scores: UnsafePointer<Float>?,
        fed: (position: Int32, score: Float)? = nil, neighbourhood: Int
    ) -> LaneView {
        var (shown, fedScore) = unsafe (scores, fed?.score ?? 0)
        if let scores = unsafe scores, neighbourhood > 0 {
            let maximum = unsafe NeighbourhoodMaximum(
                radius: neighbourhood,
                byPosition: UnsafeMutableBufferPointer(start: byPosition.base, count: byPosition.count))
            fedScore = unsafe maximum.pool(
                count: held, positions: positions, scores: scores, fed: fed, into: chosenScores.base)
            unsafe shown = UnsafePointer(chosenScores.base)
        }
        guard let fed else { return unsafe LaneView(held: held, positions: positions, scores: shown) }
        return unsafe LaneView(
            held: held, positions: positions, scores: shown, fedPosition: fed.position, fedScore: fedScore)
    }

    /// The scores of the same entries in all lanes of a layer, added in rising order of KV heads.
    @unsafe func layerScores(
        count: Int, kvHeads: Int, kernels: KernelTable, lane: (Int) -> UnsafePointer<Float>?
    ) -> UnsafePointer<Float> {
        let sum = unsafe chosenScores.base
        unsafe sum.update(repeating: 0, count: count)
        for kvHead in 0..<kvHeads {
            guard let scores = unsafe lane(kvHead) else { preconditionFailure("a choice by scores without scores") }
            unsafe kernels.add(count: count, input: scores, to: sum)
        }
        return unsafe UnsafePointer(sum)
    }
}
