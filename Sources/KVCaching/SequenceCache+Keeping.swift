public import Kernels
internal import Tensors

/// Caches that outlive a request: settled between two turns of a conversation, copied for a fork, shrunk to a smaller
/// budget.
extension SequenceCache {
    /// What the next turn finds. Of a settled cache.
    public var history: CacheHistory {
        CacheHistory(fedTokens: fedTokens, slots: lanes.slots, bytes: block.byteCount)
    }

    /// Ends a turn whose prompt has finished: the entries of every lane stand in order of position, lanes have the
    /// slots that these take, and all other bytes go back to the arena. Takes no memory for it.
    public func settle() {
        precondition(call > 0 && blocks.isEmpty, "a cache is settled before its prompt ended, or shares entries")
        rearrange { layer, kvHead in entriesInOrder(layer: layer, kvHead: kvHead) }
    }

    /// Chooses what stays of a settled cache as the end of a prompt does, where the plan's lanes are smaller. `plan`
    /// has the policy and the budget that hold from now on and this cache's history.
    public func shrink(to plan: CachePlan, kernels: KernelTable) {
        precondition(plan.turn?.history == history, "a plan for another cache")
        let layers = plan.lanes.slots.indices.filter { plan.lanes.slots[$0] < lanes.slots[$0] }
        guard !layers.isEmpty else { return }
        let scratch = LaneScratch(headDim: plan.shape.headDim)
        let radius = plan.pooling.neighbourhood
        scratch.reserve(
            slots: lanes.slots.max() ?? 0, promptTokens: 0, groupSize: plan.shape.groupSize, rotatesKeys: false,
            positions: radius > 0 ? fedTokens + 2 * radius : 0, scorers: 1)
        rearrange { layer, kvHead in
            let held = count(layer: layer, kvHead: kvHead)
            let slots = plan.lanes.slots[layer]
            guard held > slots else { return Array(0..<held) }
            let lane = unsafe lane(layer: layer, kvHead: kvHead)
            var scores = unsafe lane.scores.map { unsafe UnsafePointer($0) }
            if plan.pooling.choosePer == .layer {
                unsafe scores = unsafe scratch.layerScores(
                    count: held, kvHeads: plan.shape.kvHeads, kernels: kernels
                ) { head in
                    unsafe self.lane(layer: layer, kvHead: head).scores.map { unsafe UnsafePointer($0) }
                }
            }
            let view = unsafe scratch.view(
                held: held, positions: lane.positions, scores: scores, neighbourhood: radius)
            guard case .keep(let kept) = plan.policy.plan(.promptEnd, lane: view, budget: slots, kernels: kernels),
                kept.count == slots
            else { preconditionFailure("policy \(plan.policyName) did not keep \(slots) of \(held) entries") }
            return kept
        }
    }

    /// A copy with its own memory, of a settled cache.
    public func copy(arena: KVArena) -> SequenceCache {
        let copied = arena.allocate(byteCount: block.byteCount)
        unsafe copied.base.copyMemory(from: block.base, byteCount: block.byteCount)
        let counts = AlignedBuffer<Int>(count: self.counts.count)
        unsafe counts.base.update(from: self.counts.base, count: counts.count)
        let copy = SequenceCache(plan: plan, lanes: lanes, block: copied, counts: counts, fedTokens: fedTokens)
        copy.beginIdle()
        return copy
    }

    /// The cache of the next turn: takes over the entries of `settled`, which nobody uses any more, in their block if
    /// they fit the plan's lanes as they stand, else in a new one. Staging is not taken yet.
    public convenience init(continuing settled: SequenceCache, plan: CachePlan, arena: KVArena) {
        precondition(plan.turn?.history == settled.history, "a plan for another cache")
        precondition(
            plan.shape == settled.plan.shape && plan.layout == settled.plan.layout
                && plan.storage == settled.plan.storage,
            "a turn with another kind of entries")
        if plan.keepsLanes {
            self.init(
                plan: plan, lanes: settled.lanes, block: settled.block, counts: settled.counts,
                fedTokens: settled.fedTokens)
            return
        }
        self.init(
            plan: plan, lanes: plan.lanes, block: arena.allocate(byteCount: plan.steadyBytes),
            counts: AlignedBuffer(count: plan.shape.laneCount), fedTokens: settled.fedTokens)
        for layer in 0..<plan.shape.layerCount {
            for kvHead in 0..<plan.shape.kvHeads {
                let count = settled.count(layer: layer, kvHead: kvHead)
                unsafe lane(layer: layer, kvHead: kvHead).copy(
                    count: count, from: settled.lane(layer: layer, kvHead: kvHead))
                setCount(count, layer: layer, kvHead: kvHead)
            }
        }
    }

    /// The lane's slots by rising position.
    private func entriesInOrder(layer: Int, kvHead: Int) -> [Int] {
        let held = count(layer: layer, kvHead: kvHead)
        let positions = unsafe lane(layer: layer, kvHead: kvHead).positions
        let isInOrder = (1..<max(1, held)).allSatisfy { unsafe positions[$0 - 1] < positions[$0] }
        guard !isInOrder else { return Array(0..<held) }
        var slots = [Int32](repeating: -1, count: fedTokens)
        for slot in 0..<held { unsafe slots[Int(positions[slot])] = Int32(slot) }
        return slots.lazy.filter { $0 >= 0 }.map { Int($0) }
    }

    /// Keeps the given slots of each lane, in that order, and nothing else. What has the same place in every lane is
    /// moved for all lanes before what follows it in the block, so nothing is overwritten before it has moved.
    private func rearrange(_ kept: (_ layer: Int, _ kvHead: Int) -> [Int]) {
        let (shape, layout, old) = (plan.shape, plan.layout, lanes)
        let places = (0..<shape.laneCount).map { (layer: $0 / shape.kvHeads, kvHead: $0 % shape.kvHeads) }
        let orders = places.map { kept($0.layer, $0.kvHead) }
        let slots = (0..<shape.layerCount).map { layer in
            max(1, (0..<shape.kvHeads).map { orders[layer * shape.kvHeads + $0].count }.max() ?? 0)
        }
        let new = LaneTable(slots: slots, kvHeads: shape.kvHeads)
        if new == old, orders.allSatisfy({ $0.elementsEqual(0..<$0.count) }) {
            return setCounts(orders.map(\.count))
        }
        let rowBytes = max(8, layout.keyBytes, layout.valueBytes)
        let moved = AlignedBuffer<UInt8>(count: (old.slots.max() ?? 0) * rowBytes)
        for part in LanePart.allCases {
            guard let size = part.rowBytes(layout) else { continue }
            for (place, order) in zip(places, orders) {
                let (from, to) = unsafe (
                    Lane(
                        block: block.base, total: old.total,
                        first: old.first(layer: place.layer, kvHead: place.kvHead), layout: layout),
                    Lane(
                        block: block.base, total: new.total,
                        first: new.first(layer: place.layer, kvHead: place.kvHead), layout: layout)
                )
                guard let source = unsafe part.rows(from), let target = unsafe part.rows(to) else { continue }
                for (index, slot) in order.enumerated() {
                    unsafe (moved.base + index * size).update(
                        from: (source + slot * size).assumingMemoryBound(to: UInt8.self), count: size)
                }
                unsafe target.copyMemory(from: moved.base, byteCount: order.count * size)
            }
        }
        lanes = new
        setCounts(orders.map(\.count))
        block.shrink(to: new.total * layout.slotBytes)
    }

    private func setCounts(_ values: [Int]) {
        for (index, value) in values.enumerated() { counts[index] = value }
    }
}

/// What a slot is made of, in the order in which it stands in a block.
private enum LanePart: CaseIterable {
    case positions, scores, keys, values

    /// Bytes of one entry's; nil where there is no such part.
    func rowBytes(_ layout: SlotLayout) -> Int? {
        switch self {
        case .positions: 4
        case .scores: layout.isScored ? 4 : nil
        case .keys: layout.keyBytes
        case .values: layout.valueBytes
        }
    }

    @unsafe func rows(_ lane: Lane) -> UnsafeMutableRawPointer? {
        switch self {
        case .positions: unsafe UnsafeMutableRawPointer(lane.positions)
        case .scores: unsafe lane.scores.map { UnsafeMutableRawPointer($0) }
        case .keys: unsafe lane.keys
        case .values: unsafe lane.values
        }
    }
}
