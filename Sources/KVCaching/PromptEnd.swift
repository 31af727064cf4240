internal import Kernels

/// The end of a prompt in one layer: every cache that the prompt fills chooses what stays and takes it.
@unsafe struct PromptEnd {
    /// The cache in whose prompt lanes keys and values stand.
    let leader: SequenceCache
    let layer: Int
    let kernels: KernelTable
    let scratch: LaneScratch

    /// Entries in the prompt's lane: those of the turns before, of which siblings have none, and the prompt.
    private func count(_ kvHead: Int) -> Int {
        let before = unsafe leader.plan.turn == nil ? 0 : leader.count(layer: layer, kvHead: kvHead)
        return unsafe before + leader.plan.promptTokens
    }

    /// Fills one lane of every member that keeps all or chooses for each lane alone.
    func fillLane(kvHead: Int) {
        for index in unsafe 0..<leader.family.count {
            let member = unsafe leader.family.member(index, leader: leader)
            guard unsafe !member.choosesPromptPerLayer(layer) else { continue }
            guard unsafe member.plan.dropsPrompt(layer: layer) else {
                unsafe take(member, index, kvHead: kvHead, kept: nil)
                continue
            }
            let scores = unsafe scores(of: index, kvHead: kvHead).map { unsafe UnsafePointer($0) }
            unsafe take(member, index, kvHead: kvHead, kept: kept(member, scores: scores, kvHead: kvHead))
        }
    }

    /// Fills all lanes of every member that chooses for the whole layer.
    func fillLayer() {
        let heads = unsafe leader.plan.shape.kvHeads
        for index in unsafe 0..<leader.family.count {
            let member = unsafe leader.family.member(index, leader: leader)
            guard unsafe member.choosesPromptPerLayer(layer) else { continue }
            let sum = unsafe scratch.layerScores(count: count(0), kvHeads: heads, kernels: kernels) { kvHead in
                unsafe scores(of: index, kvHead: kvHead).map { unsafe UnsafePointer($0) }
            }
            let kept = unsafe kept(member, scores: sum, kvHead: 0)
            for kvHead in 0..<heads { unsafe take(member, index, kvHead: kvHead, kept: kept) }
        }
    }

    /// The scores that the member goes by.
    private func scores(of index: Int, kvHead: Int) -> UnsafeMutablePointer<Float>? {
        guard let owner = unsafe leader.family.scoreOwners[index] else { return nil }
        return unsafe leader.family.member(owner, leader: leader).promptScores(layer: layer, kvHead: kvHead)
    }

    private func kept(_ member: SequenceCache, scores: UnsafePointer<Float>?, kvHead: Int) -> [Int] {
        let (plan, lane) = unsafe (member.plan, leader.promptLane(layer: layer, kvHead: kvHead))
        let slots = unsafe plan.laneSlots(layer: layer)
        let count = unsafe count(kvHead)
        // What the next query does not see is no candidate.
        let first =
            unsafe plan.shape.window(layer: layer).map { window in
                unsafe lane.firstSlot(
                    from: plan.startTokens + plan.promptTokens + 1 - window, sorted: count, following: 0)
            } ?? 0
        guard slots < count - first else { return Array(first..<count) }
        let view = unsafe scratch.view(
            held: count - first, positions: lane.positions + first, scores: scores.map { unsafe $0 + first },
            neighbourhood: plan.pooling.neighbourhood)
        guard
            case .keep(let kept) = unsafe plan.policy.plan(
                .promptEnd, lane: view, budget: slots, kernels: kernels), kept.count == slots
        else {
            preconditionFailure("policy \(plan.policyName) did not keep \(slots) of \(count) entries")
        }
        return first == 0 ? kept : kept.map { $0 + first }
    }

    /// Copies entries and their scores into the member's lane; nil stands for all of them.
    private func take(_ member: SequenceCache, _ index: Int, kvHead: Int, kept: [Int]?) {
        let count = unsafe kept?.count ?? count(kvHead)
        unsafe member.setCount(count, layer: layer, kvHead: kvHead)
        let isInPlace = index == 0 && kept == nil
        guard !isInPlace else { return }
        let source = unsafe leader.promptLane(layer: layer, kvHead: kvHead)
        let scores = unsafe scores(of: index, kvHead: kvHead)
        let lane = unsafe member.lane(layer: layer, kvHead: kvHead)
        for slot in 0..<count {
            let entry = kept?[slot] ?? slot
            unsafe lane.copy(slot: slot, from: source, slot: entry)
            if let scores = unsafe scores, let target = unsafe lane.scores { unsafe target[slot] = scores[entry] }
        }
    }
}
