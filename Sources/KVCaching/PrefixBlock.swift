internal import Kernels

/// Entries of some tokens that follow each other, in all lanes of a cache: a piece of prompts that begin alike, which
/// several caches read. Slot s of a lane's piece is position s of the block's tokens. The cache that makes the block
/// fills it; from then on nobody writes to it.
@safe public final class PrefixBlock {
    /// Tokens.
    public let slots: Int
    let shape: CacheShape
    let layout: SlotLayout
    private let memory: ArenaBlock
    var base: UnsafeMutableRawPointer { unsafe memory.base }

    /// Takes its bytes from the arena.
    init(slots: Int, plan: CachePlan, arena: KVArena) {
        self.slots = slots
        shape = plan.shape
        layout = Self.layout(plan)
        memory = arena.allocate(byteCount: Self.byteCount(slots: slots, plan: plan))
    }

    /// Keys, values and positions of a cache of the plan.
    private static func layout(_ plan: CachePlan) -> SlotLayout {
        SlotLayout(
            headDim: plan.layout.headDim, keyStorage: plan.layout.keyStorage, valueStorage: plan.layout.valueStorage,
            isScored: false)
    }

    /// Bytes of a block of `slots` tokens.
    public static func byteCount(slots: Int, plan: CachePlan) -> Int {
        slots * plan.shape.laneCount * layout(plan).slotBytes
    }

    /// The lane's entries under the slots of a cache in which the block begins at slot `first`; it has no others.
    @unsafe func lane(layer: Int, kvHead: Int, first: Int) -> Lane {
        unsafe Self.lane(at: base, slots: slots, layer: layer, kvHead: kvHead, first: first, shape, layout)
    }

    /// The same of a block whose memory begins at `base`.
    @unsafe static func lane(
        at base: UnsafeMutableRawPointer, slots: Int, layer: Int, kvHead: Int, first: Int, _ shape: CacheShape,
        _ layout: SlotLayout
    ) -> Lane {
        unsafe Lane(
            block: base, total: shape.laneCount * slots, first: (layer * shape.kvHeads + kvHead) * slots - first,
            layout: layout)
    }
}

/// The blocks with which a cache begins.
public struct CachePrefix {
    /// Tokens of a block: a multiple of `KernelTable.keyTile`.
    public let blockTokens: Int
    /// Whole ones that others filled; the prompt's rows begin behind them.
    public let whole: [PrefixBlock]
    /// So many more of the cache's own, which its prompt fills and others may read when they are whole.
    public let own: Int

    public init(blockTokens: Int, whole: [PrefixBlock], own: Int) {
        precondition(blockTokens > 0 && own >= 0, "\(own) blocks of \(blockTokens) tokens")
        precondition(whole.allSatisfy { $0.slots == blockTokens }, "blocks of another size")
        self.blockTokens = blockTokens
        self.whole = whole
        self.own = own
    }
}

/// What keys and values in blocks of two caches must have in common so that one can read those of the other; the tokens
/// are compared beside it.
public struct PrefixKind: Sendable, Hashable {
    let keyStorage: KVStorage
    let valueStorage: KVStorage
    let positions: PositionMode
    /// Stands for the frequencies where these depend on how long a sequence may become.
    let rotaryLength: Int

    public init(_ plan: CachePlan, rotaryLength: Int = 0) {
        (keyStorage, valueStorage) = (plan.layout.keyStorage, plan.layout.valueStorage)
        (positions, self.rotaryLength) = (plan.positions, rotaryLength)
    }
}

extension CachePlan {
    /// Whether nothing of the cache is ever dropped or moved: it can read blocks that others read too.
    public var readsBlocks: Bool {
        turn == nil && !canEvict && (0..<shape.layerCount).allSatisfy { laneSlots(layer: $0) == laneSlots }
    }

    /// Whether the prompt's own attention decides what is kept of it, now or later.
    public var scoresPrompt: Bool { tap != .none }
}

extension LaneAttention {
    /// What blocks must have in common with a cache of this plan.
    public func prefixKind(of plan: CachePlan) -> PrefixKind {
        var length = 0
        for layer in layers {
            guard case .ropeByLength(let tables) = layer.encoding else { continue }
            length = max(length, tables.length(tokens: plan.rotaryTokens))
        }
        return PrefixKind(plan, rotaryLength: length)
    }
}
