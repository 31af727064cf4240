/// Where the lanes of a cache begin in its block: one after the other, in the order of layers and KV heads. All lanes
/// of a layer have the same number of slots.
struct LaneTable: Sendable, Equatable {
    /// Slots of a lane, by layer.
    let slots: [Int]
    /// Slots of all lanes before the layer's.
    private let firsts: [Int]
    /// Slots of all lanes together.
    let total: Int

    init(slots: [Int], kvHeads: Int) {
        var first = 0
        firsts = slots.map { slots in
            defer { first += kvHeads * slots }
            return first
        }
        self.slots = slots
        total = first
    }

    /// The same lanes without their first `count` slots.
    func dropFirst(_ count: Int, kvHeads: Int) -> LaneTable {
        LaneTable(slots: slots.map { $0 - count }, kvHeads: kvHeads)
    }

    /// Slots of all lanes before this one.
    func first(layer: Int, kvHead: Int) -> Int { firsts[layer] + kvHead * slots[layer] }
}
