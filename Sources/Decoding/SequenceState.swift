internal import Generation
internal import Kernels
internal import KVCaching

/// A sequence in the engine: its prompt, its cache and, while the prompt runs layer by layer, the residual stream
/// between layers.
/// A sibling has neither prompt nor stream: another sequence's prompt fills its cache.
final class SequenceState {
    let prompt: [TokenID]
    let cache: SequenceCache
    let promptLogits: Bool
    /// Sequences that start when the prompt has ended.
    let siblings: [SequenceID]
    /// Whether pieces take rows of the prompt through all layers: nothing of it is evicted from any cache that it
    /// fills.
    let passesByRows: Bool
    /// [n, hidden], where the prompt passes layer by layer; released when the prompt ends.
    private(set) var residual: ActivationRows?
    private var residualCharge: ArenaCharge?
    /// Where the prefill stands: rows of `layer` that are done; where the prompt passes by rows, rows before those that
    /// are in `layer`.
    private(set) var layer = 0
    private(set) var rowsDone = 0
    /// Rows of the prompt that are read: not those whose entries a prefix brought.
    let rows: Range<Int>

    init(_ admission: SequenceAdmission, cache: SequenceCache, arena: KVArena) {
        prompt = admission.prompt
        promptLogits = admission.promptLogits
        siblings = admission.siblings.map(\.id)
        self.cache = cache
        rowsDone = admission.prefix?.tokens ?? 0
        rows = rowsDone..<prompt.count
        passesByRows = admission.passesByRows
        guard !passesByRows else { return }
        residualCharge = arena.charge(byteCount: admission.plan.residualBytes)
        residual = ActivationRows(rowCapacity: prompt.count, columns: admission.plan.shape.hiddenSize)
    }

    /// A cache that no request uses now.
    init(idle cache: SequenceCache) {
        prompt = []
        rows = 0..<0
        promptLogits = false
        passesByRows = false
        siblings = []
        self.cache = cache
    }

    init(sibling: SequenceAdmission.Sibling, of leader: SequenceState, arena: KVArena) {
        prompt = []
        rows = 0..<0
        promptLogits = false
        passesByRows = false
        siblings = []
        cache = leader.cache.makeSibling(plan: sibling.plan, arena: arena)
    }

    /// The index of the prompt's first row where positions are learned.
    var firstLearnedPosition: Int {
        cache.plan.positions == .compact ? cache.plan.startSlots : cache.plan.startTokens
    }

    /// Marks prompt rows as done in a layer; they come by rows or in layer-major order.
    func completed(layer: Int, rows: Range<Int>) {
        precondition(
            layer == self.layer && rows.lowerBound == rowsDone,
            "rows \(rows) of layer \(layer) do not follow row \(rowsDone) of layer \(self.layer)")
        if passesByRows {
            self.layer = (layer + 1) % cache.plan.shape.layerCount
            if self.layer == 0 { rowsDone = rows.upperBound }
        } else {
            rowsDone = rows.upperBound
            if rowsDone == prompt.count { (self.layer, rowsDone) = (layer + 1, self.rows.lowerBound) }
        }
    }

    /// The prompt's first rows stand in these blocks.
    func adopt(_ blocks: [PrefixBlock]) {
        cache.adopt(blocks)
        let tokens = blocks.reduce(0) { $0 + $1.slots }
        precondition(passesByRows && layer == 0 && tokens < prompt.count, "blocks of \(tokens) tokens are too much")
        rowsDone = max(rowsDone, tokens)
    }

    func promptFinished() {
        cache.promptFinished()
        forgetPrompt()
    }

    /// Releases the residual stream of a prompt that has ended.
    func forgetPrompt() {
        residual = nil
        residualCharge = nil
    }
}
