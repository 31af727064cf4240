public import Kernels

/// A KV-cache request resolved for one prompt: every number that admission, the cache and the answer need.
public struct CachePlan: Sendable {
    public let policyName: String
    public let policy: any EvictionPolicy
    public let shape: CacheShape
    public let layout: SlotLayout
    /// What K and V are rounded to; unrotated keys of compact RoPE are held in f32 beside it (see `SequenceCache`).
    public let storage: KVStorage
    public let positions: PositionMode
    /// n: tokens that pass as a prompt. In a turn of a conversation, those that the cache has not been fed yet.
    public let promptTokens: Int
    /// T: tokens that will be generated at most. T − 1 of them are fed back.
    public let plannedTokens: Int
    /// k as asked for: slots per lane.
    public let budgetSlots: Int
    /// Which turn of a conversation this is, where the cache is kept; nil: it is released at the end.
    public let turn: CacheTurn?
    /// Whether `turn` is there. To ask it of `turn` copies the whole plan, for each lane of a step.
    let isTurn: Bool
    /// The policy's, read once.
    let pooling: ScorePooling
    /// The policy's, read once: opening its box for every lane of a step would count references to it.
    let noisySoftmax: NoisySoftmax?
    /// The lanes after the prompt.
    let lanes: LaneTable
    /// The first of the layers whose lanes have the most slots.
    let widestLayer: Int

    public init(
        policyName: String, policy: any EvictionPolicy, shape: CacheShape, layout: SlotLayout, storage: KVStorage,
        positions: PositionMode, promptTokens: Int, plannedTokens: Int, budgetSlots: Int, turn: CacheTurn? = nil
    ) {
        precondition(promptTokens > 0 && plannedTokens >= 0 && budgetSlots > 0, "plan without tokens or slots")
        self.policyName = policyName
        self.policy = policy
        pooling = policy.pooling
        noisySoftmax = policy.noisySoftmax
        self.shape = shape
        self.layout = layout
        self.storage = storage
        self.positions = positions
        self.promptTokens = promptTokens
        self.plannedTokens = plannedTokens
        self.budgetSlots = budgetSlots
        self.turn = turn
        isTurn = turn != nil
        let history = turn?.history
        // Tokens that this request feeds at most.
        let newTokens = promptTokens + max(0, plannedTokens - 1)
        startTokens = history?.fedTokens ?? 0
        startSlots = history?.mostSlots ?? 0
        fedTokens = startTokens + newTokens
        rotaryTokens = turn?.mostTokens ?? fedTokens
        let laneSlots = min(budgetSlots, startSlots + newTokens)
        let slots = (0..<shape.layerCount).map { shape.laneSlots(layer: $0, of: laneSlots) }
        self.laneSlots = laneSlots
        canEvict = laneSlots < startSlots + newTokens
        tap = canEvict || (turn != nil && layout.isScored) ? policy.tap : .none
        lanes = LaneTable(slots: slots, kvHeads: shape.kvHeads)
        let most = slots.max()
        widestLayer = slots.firstIndex { $0 == most } ?? 0
        stagedSlots = slots.indices.map { layer in
            let entries = (history?.slots[layer] ?? 0) + promptTokens
            // Entries that leave a window in the middle of a turn go at its prompt's end.
            let expires = history.map { $0.fedTokens + promptTokens >= shape.window(layer: layer) ?? .max } ?? false
            return entries > slots[layer] || expires ? entries : 0
        }
        stagingSlots = stagedSlots.max() ?? 0
    }

    /// Tokens fed before this prompt.
    public let startTokens: Int

    /// Entries that lanes without a window hold before this prompt.
    public let startSlots: Int

    /// Tokens the cache will have been fed at most.
    public let fedTokens: Int

    /// Tokens by which RoPE chooses its frequencies where they depend on length.
    let rotaryTokens: Int

    /// Slots a lane owns where no window bounds it: the budget, or all entries where they are fewer.
    public let laneSlots: Int

    /// Slots a lane of the layer owns: `laneSlots`, or in a layer with a window at most window − 1, which is what the
    /// next query sees of the past.
    public func laneSlots(layer: Int) -> Int { lanes.slots[layer] }

    /// Whether a lane of the layer cannot hold the whole prompt on top of what it holds.
    func dropsPrompt(layer: Int) -> Bool { stagedSlots[layer] > 0 }

    /// Whether this request can evict anything. If not, and no later turn can, scores and noise are not computed: the
    /// cache is a full one.
    public let canEvict: Bool

    /// The rows that the policy sees: none where nothing can be evicted, now or in a later turn.
    let tap: AttentionTap

    /// Whether a cache of the other plan can take the entries of a prompt that ran under this one.
    public func sharesPrompt(with other: CachePlan) -> Bool {
        shape == other.shape && storage == other.storage && positions == other.positions
            && layout.keyStorage == other.layout.keyStorage && layout.valueStorage == other.layout.valueStorage
            && promptTokens == other.promptTokens && turn == nil && other.turn == nil
    }

    /// Whether both plans give the entries of a prompt the same scores.
    func sharesScores(with other: CachePlan) -> Bool {
        guard tap != .none, other.tap != .none, plannedTokens == other.plannedTokens,
            let policy = policy as? any ScoredPolicy
        else { return false }
        return policy.scoresLike(other.policy)
    }

    /// By layer: entries of a lane with the unpruned prompt, where they stand in staging; else 0.
    private let stagedSlots: [Int]

    /// Slots per KV head in which one layer's entries and unpruned prompt stand; 0 where the prompt fits all lanes.
    public let stagingSlots: Int

    /// Bytes of `slots` slots in every lane, less where windows bound lanes.
    private func laneBytes(slots: Int) -> Int { shape.totalSlots(of: slots) * layout.slotBytes }

    /// Bytes of the budget, whether or not the sequence is long enough to fill it.
    public var budgetBytes: Int { laneBytes(slots: budgetSlots) }

    /// Bytes held after the prompt.
    public var steadyBytes: Int { laneBytes(slots: laneSlots) }

    /// Bytes of one layer's unpruned prompt.
    public var stagingBytes: Int { shape.kvHeads * stagingSlots * layout.slotBytes }

    /// Whether some rows of the prompt can pass all layers before the next ones do: no layer has to see the whole
    /// prompt before the next one, since nothing of it is evicted.
    public var passesByRows: Bool { stagingSlots == 0 }

    /// Bytes of the whole prompt's residual stream: [n, hidden] f32.
    public var residualBytes: Int { ActivationRows.byteCount(rowCapacity: promptTokens, columns: shape.hiddenSize) }

    /// Bytes of the residual stream that waits between two layers of a layer-major prefill.
    public var activationBytes: Int { passesByRows ? 0 : residualBytes }

    /// Whether a turn goes on in the lanes as it finds them.
    var keepsLanes: Bool { turn?.history?.slots == lanes.slots }

    /// Bytes of the turns before that are held beside the new lanes until they have been copied.
    public var copiedBytes: Int { keepsLanes ? 0 : turn?.history?.bytes ?? 0 }

    /// Bytes that admission reserves until the prompt ends: lanes, and beside them first the entries of the turns
    /// before, if they move, then one layer of the prompt and activations.
    public var peakBytes: Int { steadyBytes + max(copiedBytes, stagingBytes + activationBytes) }
}
