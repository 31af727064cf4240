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
    /// n.
    public let promptTokens: Int
    /// T: tokens that will be generated at most. T − 1 of them are fed back.
    public let plannedTokens: Int
    /// k as asked for: slots per lane.
    public let budgetSlots: Int
    /// The policy's, read once.
    let pooling: ScorePooling
    /// By layer: slots of a lane, and slots of all lanes before the layer's.
    private let layerSlots: [(slots: Int, first: Int)]
    /// The first of the layers whose lanes have the most slots.
    let widestLayer: Int

    public init(
        policyName: String, policy: any EvictionPolicy, shape: CacheShape, layout: SlotLayout, storage: KVStorage,
        positions: PositionMode, promptTokens: Int, plannedTokens: Int, budgetSlots: Int
    ) {
        precondition(promptTokens > 0 && plannedTokens >= 0 && budgetSlots > 0, "plan without tokens or slots")
        self.policyName = policyName
        self.policy = policy
        pooling = policy.pooling
        self.shape = shape
        self.layout = layout
        self.storage = storage
        self.positions = positions
        self.promptTokens = promptTokens
        self.plannedTokens = plannedTokens
        self.budgetSlots = budgetSlots
        let laneSlots = min(budgetSlots, promptTokens + max(0, plannedTokens - 1))
        var first = 0
        layerSlots = (0..<shape.layerCount).map { layer in
            let slots = shape.laneSlots(layer: layer, of: laneSlots)
            defer { first += shape.kvHeads * slots }
            return (slots, first)
        }
        let most = layerSlots.map(\.slots).max()
        widestLayer = layerSlots.firstIndex { $0.slots == most } ?? 0
    }

    /// Tokens the cache will be fed at most.
    public var fedTokens: Int { promptTokens + max(0, plannedTokens - 1) }

    /// Slots a lane owns where no window bounds it: the budget, or all tokens where they are fewer.
    public var laneSlots: Int { min(budgetSlots, fedTokens) }

    /// Slots a lane of the layer owns: `laneSlots`, or in a layer with a window at most window − 1, which is what the
    /// next query sees of the past.
    public func laneSlots(layer: Int) -> Int { layerSlots[layer].slots }

    /// Slots of all lanes before this one, in the order of layers and KV heads.
    func firstSlot(layer: Int, kvHead: Int) -> Int { layerSlots[layer].first + kvHead * layerSlots[layer].slots }

    /// Slots of all lanes together.
    var totalSlots: Int { shape.totalSlots(of: laneSlots) }

    /// Whether a lane of the layer cannot hold the whole prompt.
    func dropsPrompt(layer: Int) -> Bool { promptTokens > laneSlots(layer: layer) }

    /// Whether anything can ever be evicted. If not, scores and noise are not computed: the cache is a full one.
    public var canEvict: Bool { laneSlots < fedTokens }

    /// The rows that the policy sees: none where nothing can be evicted.
    var tap: AttentionTap { canEvict ? policy.tap : .none }

    /// Whether a cache of the other plan can take the entries of a prompt that ran under this one.
    public func sharesPrompt(with other: CachePlan) -> Bool {
        shape == other.shape && storage == other.storage && positions == other.positions
            && layout.keyStorage == other.layout.keyStorage && layout.valueStorage == other.layout.valueStorage
            && promptTokens == other.promptTokens
    }

    /// Whether both plans give the entries of a prompt the same scores.
    func sharesScores(with other: CachePlan) -> Bool {
        guard tap != .none, other.tap != .none, plannedTokens == other.plannedTokens,
            let policy = policy as? any ScoredPolicy
        else { return false }
        return policy.scoresLike(other.policy)
    }

    /// Slots per KV head in which one layer's unpruned prompt stands; 0 where the prompt fits all lanes.
    public var stagingSlots: Int { layerSlots.contains { promptTokens > $0.slots } ? promptTokens : 0 }

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

    /// Bytes that admission reserves until the prompt ends: lanes, one layer of the prompt, activations.
    public var peakBytes: Int { steadyBytes + stagingBytes + activationBytes }
}
