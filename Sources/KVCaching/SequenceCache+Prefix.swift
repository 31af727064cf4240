internal import Kernels
internal import Tensors

/// Slots of a lane that stand one behind the other, and the lane that has them.
@unsafe struct LaneRun {
    let lane: Lane
    let slots: Range<Int>
}

/// Caches that begin with blocks which others may read too.
extension SequenceCache {
    /// The lane's slots in the block with this number.
    @unsafe func blockLane(_ number: Int, layer: Int, kvHead: Int) -> Lane {
        // By address, so that threads do not count references to blocks that all of them read.
        guard let base = unsafe UnsafeMutableRawPointer(bitPattern: blockAddresses[number]) else {
            preconditionFailure("block \(number) is nowhere")
        }
        return unsafe PrefixBlock.lane(
            at: base, slots: blockTokens, layer: layer, kvHead: kvHead, first: number * blockTokens, plan.shape,
            plan.layout)
    }

    /// The longest run of slots from `first` on, before `end`, that stand in one place; `own` is the cache's own lane.
    @unsafe func run(from first: Int, to end: Int, layer: Int, kvHead: Int, own: Lane) -> LaneRun {
        guard first < blockSlots, first < end else { return unsafe LaneRun(lane: own, slots: first..<end) }
        let number = first / blockTokens
        return unsafe LaneRun(
            lane: blockLane(number, layer: layer, kvHead: kvHead), slots: first..<min(end, (number + 1) * blockTokens))
    }

    /// Where the lane's key in this slot stands.
    @unsafe func key(slot: Int, layer: Int, kvHead: Int) -> UnsafeRawPointer {
        let lane =
            unsafe slot < blockSlots
            ? blockLane(slot / blockTokens, layer: layer, kvHead: kvHead) : lane(layer: layer, kvHead: kvHead)
        return unsafe UnsafeRawPointer(lane.keys) + slot * plan.layout.keyBytes
    }

    /// Original positions of the lane's entries by slot.
    func positions(layer: Int, kvHead: Int) -> [Int32] {
        var positions: [Int32] = []
        let count = count(layer: layer, kvHead: kvHead)
        positions.reserveCapacity(count)
        while positions.count < count {
            let run = unsafe run(
                from: positions.count, to: count, layer: layer, kvHead: kvHead,
                own: lane(layer: layer, kvHead: kvHead))
            for slot in unsafe run.slots { positions.append(unsafe run.lane.positions[slot]) }
        }
        return positions
    }

    /// Tokens of the prompt whose entries are copied.
    var copiedTokens: Int { copied.count * blockTokens }

    /// Brings the entries of the blocks that are copied into a lane of the prompt.
    @unsafe func copyBlocks(to lane: Lane, layer: Int, kvHead: Int) {
        for (number, block) in copied.enumerated() {
            let first = number * blockTokens
            let source = unsafe block.lane(layer: layer, kvHead: kvHead, first: first)
            unsafe lane.copy(first..<first + blockTokens, from: source)
        }
    }

    /// The block of the prompt's tokens with this number, for others to read: all rows of it have passed all layers.
    /// Where the cache has it in its own lanes it is a copy, which takes its bytes from the arena.
    public func block(_ number: Int, of blockTokens: Int, arena: KVArena) -> PrefixBlock {
        if number < blocks.count { return blocks[number] }
        precondition(call <= 1 && plan.passesByRows && plan.startTokens == 0, "entries that may have moved")
        let block = PrefixBlock(slots: blockTokens, plan: plan, arena: arena)
        let first = number * blockTokens
        for layer in 0..<plan.shape.layerCount {
            for kvHead in 0..<plan.shape.kvHeads {
                unsafe block.lane(layer: layer, kvHead: kvHead, first: first).copy(
                    first..<first + blockTokens, from: lane(layer: layer, kvHead: kvHead))
            }
        }
        return block
    }

    /// Takes blocks that others filled with the same entries for its own first ones, whose memory is free when this
    /// returns.
    public func adopt(_ shared: [PrefixBlock]) {
        precondition(shared.count <= blocks.count, "\(shared.count) blocks for \(blocks.count)")
        for (number, block) in shared.enumerated() {
            precondition(
                block.slots == blockTokens && block.shape == plan.shape && block.layout == plan.layout,
                "a block of another kind of cache")
            put(block, number)
        }
    }
}
