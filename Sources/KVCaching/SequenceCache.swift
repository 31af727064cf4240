public import Generation
internal import Tensors

/// The KV cache of one sequence: one lane per layer and KV head, each with the slots of its plan, in one block of the
/// arena.
///
/// A slot holds a key row, a value row, the token's original position and, for scoring policies, its score. RoPE keys
/// are stored rotated at their original position. With compact positions they are stored unrotated in f32 and rotated
/// on use, and evicting closes the gap, so that slot order is position order. Otherwise the fed token takes the
/// victim's slot and nothing moves.
///
/// Confined to the engine thread; within a step the thread team works on different lanes at once.
@safe public final class SequenceCache {
    public let plan: CachePlan
    let block: ArenaBlock
    /// The lanes in `block`: those of the plan, or of what is held between two turns, without the slots in `blocks`.
    var lanes: LaneTable
    /// The first slots of all lanes, which other caches may read too, so many tokens each.
    private(set) var blocks: [PrefixBlock] = []
    let blockTokens: Int
    /// Slots of every lane that stand in blocks; the others are the cache's own.
    let blockSlots: Int
    /// Where the blocks' memory begins.
    let blockAddresses: AlignedBuffer<UInt>
    /// Blocks whose entries the prompt's first rows copy into every lane, where the cache may change them.
    private(set) var copied: [PrefixBlock] = []
    private var staging: ArenaBlock?
    /// A sibling's own scores of one layer of the prompt, [kvHeads, n].
    private var siblingScores: ArenaBlock?
    /// The caches that this one's prompt fills; a sibling has none but itself.
    private(set) var family: PromptFamily
    let isSibling: Bool
    /// Scores of the token fed last, one per KV head, until the choice for its layer is made.
    let fedScores: AlignedBuffer<Float>
    let counts: AlignedBuffer<Int>
    private var mostSlots = 0
    /// Forward calls so far: 0 while the prompt runs.
    public private(set) var call = 0
    /// Tokens fed so far.
    public private(set) var fedTokens = 0

    /// Takes the lanes and, where the prompt does not fit them, one layer's staging from the arena. What stands in
    /// whole blocks of a prefix is not taken again.
    public init(plan: CachePlan, prefix: CachePrefix? = nil, arena: KVArena) {
        precondition(plan.turn?.history == nil, "a new cache for a later turn")
        self.plan = plan
        blockTokens = prefix?.blockTokens ?? 0
        let slots = plan.readsBlocks ? blockTokens * (prefix.map { $0.whole.count + $0.own } ?? 0) : 0
        precondition(slots <= plan.promptTokens, "blocks of \(slots) tokens for a prompt of \(plan.promptTokens)")
        blockSlots = slots
        blockAddresses = AlignedBuffer(count: blockTokens == 0 ? 0 : slots / blockTokens)
        lanes = slots == 0 ? plan.lanes : plan.lanes.dropFirst(slots, kvHeads: plan.shape.kvHeads)
        block = arena.allocate(byteCount: lanes.total * plan.layout.slotBytes)
        staging = plan.stagingBytes > 0 ? arena.allocate(byteCount: plan.stagingBytes) : nil
        counts = AlignedBuffer(count: plan.shape.laneCount)
        fedScores = AlignedBuffer(count: plan.shape.kvHeads)
        family = PromptFamily(leader: plan)
        isSibling = false
        if let prefix, plan.readsBlocks {
            for number in 0..<prefix.whole.count + prefix.own {
                let isWhole = number < prefix.whole.count
                let block = isWhole ? prefix.whole[number] : PrefixBlock(slots: blockTokens, plan: plan, arena: arena)
                blocks.append(block)
                put(block, number)
            }
        } else if let prefix {
            precondition(prefix.whole.isEmpty || plan.tap == .none, "a prefix for a cache that scores it")
            copied = prefix.whole
        }
    }

    private init(siblingWith plan: CachePlan, addsScores: Bool, arena: KVArena) {
        self.plan = plan
        (blockTokens, blockSlots, blockAddresses) = (0, 0, AlignedBuffer(count: 0))
        lanes = plan.lanes
        block = arena.allocate(byteCount: plan.steadyBytes)
        siblingScores =
            addsScores && plan.stagingSlots > 0
            ? arena.allocate(byteCount: plan.shape.kvHeads * plan.promptTokens * MemoryLayout<Float>.size) : nil
        counts = AlignedBuffer(count: plan.shape.laneCount)
        fedScores = AlignedBuffer(count: plan.shape.kvHeads)
        family = PromptFamily(leader: plan)
        isSibling = true
    }

    /// Entries of turns before or of another cache: in `block`, `counts` of them in each lane. Staging comes with
    /// `reserveStaging`.
    init(plan: CachePlan, lanes: LaneTable, block: ArenaBlock, counts: AlignedBuffer<Int>, fedTokens: Int) {
        self.plan = plan
        (blockTokens, blockSlots, blockAddresses) = (0, 0, AlignedBuffer(count: 0))
        self.lanes = lanes
        self.block = block
        self.counts = counts
        self.fedTokens = fedTokens
        fedScores = AlignedBuffer(count: plan.shape.kvHeads)
        family = PromptFamily(leader: plan)
        isSibling = false
    }

    /// Makes the block the one with this number.
    func put(_ block: PrefixBlock, _ number: Int) {
        blocks[number] = block
        blockAddresses[number] = unsafe UInt(bitPattern: block.base)
    }

    /// A cache between two turns, as after a prompt that has finished.
    func beginIdle() { call = 1 }

    /// Takes one layer's staging from the arena, where the turn's prompt does not fit the lanes.
    public func reserveStaging(arena: KVArena) {
        if plan.stagingBytes > 0 { staging = arena.allocate(byteCount: plan.stagingBytes) }
    }

    /// A cache with a plan of its own that this cache's prompt fills too. Made before the prompt begins, it takes its
    /// lanes and at most one layer's scores from the arena; it is ready when this cache's prompt has finished.
    public func makeSibling(plan: CachePlan, arena: KVArena) -> SequenceCache {
        precondition(!isSibling && call == 0, "siblings are made of a cache whose prompt has not begun")
        precondition(plan.sharesPrompt(with: self.plan), "a sibling of another prompt or another kind of entries")
        let owner = family.scoreOwner(for: plan, leader: self)
        let sibling = SequenceCache(
            siblingWith: plan, addsScores: plan.tap != .none && owner == nil, arena: arena)
        family.add(sibling, scoresOf: owner)
        return sibling
    }

    /// The lane's memory; of its slots it has those that stand in no block.
    @unsafe func lane(layer: Int, kvHead: Int) -> Lane {
        _ = laneIndex(layer: layer, kvHead: kvHead)
        return unsafe Lane(
            block: block.base, total: lanes.total, first: lanes.first(layer: layer, kvHead: kvHead) - blockSlots,
            layout: plan.layout)
    }

    /// The lane that the prompt's rows are written to: staging where the prompt does not fit, the lane itself
    /// otherwise.
    @unsafe func promptLane(layer: Int, kvHead: Int) -> Lane {
        guard let staging, plan.dropsPrompt(layer: layer) else { return unsafe lane(layer: layer, kvHead: kvHead) }
        return unsafe Lane(
            block: staging.base, total: plan.shape.kvHeads * plan.stagingSlots, first: kvHead * plan.stagingSlots,
            layout: plan.layout)
    }

    /// The scores that this cache adds up while the prompt runs, [n]; nil where it keeps none.
    @unsafe func promptScores(layer: Int, kvHead: Int) -> UnsafeMutablePointer<Float>? {
        if let siblingScores {
            return unsafe siblingScores.base.assumingMemoryBound(to: Float.self) + kvHead * plan.promptTokens
        }
        return unsafe promptLane(layer: layer, kvHead: kvHead).scores
    }

    /// Whether feeding one more token drops an entry of every lane of the layer.
    func isFull(layer: Int) -> Bool {
        call > 0 && (0..<plan.shape.kvHeads).contains { replaces(layer: layer, kvHead: $0) }
    }

    /// Whether feeding one more token drops an entry of the lane: it is full, or an entry leaves the layer's window.
    func replaces(layer: Int, kvHead: Int) -> Bool {
        let held = count(layer: layer, kvHead: kvHead)
        if held == plan.laneSlots(layer: layer) { return true }
        // A lane that was filled by one request has room only while its window has.
        guard plan.turn?.history != nil, let window = plan.shape.window(layer: layer) else { return false }
        let expired = Int32(clamping: fedTokens + 1 - window)
        let lane = unsafe lane(layer: layer, kvHead: kvHead)
        return (0..<held).contains { unsafe lane.positions[$0] == expired }
    }

    /// Whether entries of the prompt are chosen, and for all lanes of the layer at once.
    func choosesPromptPerLayer(_ layer: Int) -> Bool {
        plan.dropsPrompt(layer: layer) && plan.pooling.choosePer == .layer
    }

    private func laneIndex(layer: Int, kvHead: Int) -> Int {
        precondition(layer >= 0 && layer < plan.shape.layerCount, "layer \(layer) of \(plan.shape.layerCount)")
        precondition(kvHead >= 0 && kvHead < plan.shape.kvHeads, "KV head \(kvHead) of \(plan.shape.kvHeads)")
        return layer * plan.shape.kvHeads + kvHead
    }

    /// Entries in the lane.
    public func count(layer: Int, kvHead: Int) -> Int { counts[laneIndex(layer: layer, kvHead: kvHead)] }

    func setCount(_ count: Int, layer: Int, kvHead: Int) {
        let slots = plan.laneSlots(layer: layer)
        precondition(count <= slots, "\(count) entries in a lane of \(slots) slots")
        counts[laneIndex(layer: layer, kvHead: kvHead)] = count
    }

    /// All layers have seen and pruned the prompt: staging goes back to the arena.
    public func promptFinished() {
        precondition(call == 0 && fedTokens == plan.startTokens, "the prompt was finished before")
        mostSlots = max(plan.stagingSlots, heldTokens)
        fedTokens += plan.promptTokens
        staging = nil
        copied = []
        siblingScores = nil
        call = 1
        for sibling in family.siblings { sibling.promptFinished() }
        family = PromptFamily(leader: plan)
    }

    /// All layers have seen the token of this decode call.
    public func stepFinished() {
        precondition(call > 0, "a token was decoded before the prompt ended")
        fedTokens += 1
        call += 1
        mostSlots = max(mostSlots, heldTokens)
    }

    /// Entries of every lane (they hold equally many between steps, but for layers whose windows hold fewer).
    public var heldTokens: Int { counts[plan.widestLayer * plan.shape.kvHeads] }

    /// The index that a fed token gets where positions are compact and learned (KEYFORMER section 5).
    public var nextCompactPosition: Int { heldTokens }

    /// Ascending original positions that the lane holds, for tests and reports.
    public func keptPositions(layer: Int, kvHead: Int) -> [Int] {
        positions(layer: layer, kvHead: kvHead).map { Int($0) }.sorted()
    }

    /// Scores of a lane's entries by slot, for tests; empty where the policy keeps none.
    package func scores(layer: Int, kvHead: Int) -> [Float] {
        guard let scores = unsafe lane(layer: layer, kvHead: kvHead).scores else { return [] }
        return (0..<count(layer: layer, kvHead: kvHead)).map { unsafe scores[$0] }
    }

    /// Bytes held now, exactly as the arena counts them.
    public var heldBytes: Int {
        block.byteCount + (staging?.byteCount ?? 0) + (siblingScores?.byteCount ?? 0)
            + PrefixBlock.byteCount(slots: blockSlots, plan: plan)
    }

    /// What the cache held so far. Before the prompt has passed all layers nothing counts as evicted.
    public var usage: KVCacheUsage {
        var retained = 0
        let promptEnd = plan.startTokens + plan.promptTokens
        for index in 0..<plan.shape.laneCount {
            let (layer, kvHead) = (index / plan.shape.kvHeads, index % plan.shape.kvHeads)
            let kept = positions(layer: layer, kvHead: kvHead).count { Int($0) < promptEnd }
            retained = max(retained, kept)
        }
        return KVCacheUsage(
            policy: plan.policyName, budgetTokens: plan.budgetSlots, budgetBytes: plan.budgetBytes,
            promptTokensRetained: retained, peakTokens: mostSlots,
            peakBytes: plan.steadyBytes + max(plan.copiedBytes, plan.stagingBytes),
            evictedTokens: call == 0 ? 0 : fedTokens - heldTokens)
    }

    /// Says which promise the cache breaks, if any: bytes within the plan, positions unique and within what was fed,
    /// the recent window complete.
    public func brokenInvariant() -> String? {
        if heldBytes > plan.steadyBytes + plan.stagingBytes { return "\(heldBytes) bytes held, more than planned" }
        guard call > 0 else { return nil }
        for layer in 0..<plan.shape.layerCount {
            for kvHead in 0..<plan.shape.kvHeads {
                let kept = keptPositions(layer: layer, kvHead: kvHead)
                let name = "layer \(layer), KV head \(kvHead)"
                let entries = min(
                    plan.laneSlots(layer: layer), plan.startSlots + fedTokens - plan.startTokens)
                let isShort = plan.shape.window(layer: layer) != nil && plan.turn?.history != nil
                if isShort ? kept.count > entries : kept.count != entries {
                    return "\(name) holds \(kept.count) of \(fedTokens) tokens"
                }
                if let window = plan.shape.window(layer: layer), let first = kept.first, first <= fedTokens - window {
                    return "\(name) holds position \(first), which the query at \(fedTokens) does not see"
                }
                if Set(kept).count != kept.count { return "\(name) holds a position twice: \(kept)" }
                if let last = kept.last, last >= fedTokens {
                    return "\(name) holds position \(last) of \(fedTokens) fed"
                }
            }
        }
        return nil
    }
}

@available(*, unavailable) extension SequenceCache: Sendable {}
