internal import Kernels
internal import Tensors

/// What a kept cache holds, for a file: facts and the bytes of its block. Entries stand in order of position, lanes one
/// after the other, and what a slot is made of side by side for all of them (see `Lane`).
@safe public final class CacheImage: @unchecked Sendable {
    // Sendable: nobody writes to the bytes while the image lives. Those of a cache belong to a settled one that begins
    // no turn meanwhile, as its owner promises; others are the image's own.
    public let fedTokens: Int
    /// Slots of a lane, by layer.
    public let slots: [Int]
    /// Entries of each lane, in the order of layers and KV heads.
    public let counts: [Int]
    public let layout: SlotLayout
    public let positions: PositionMode
    public let byteCount: Int
    private let base: UnsafeRawPointer
    private let owner: AnyObject

    fileprivate init(of cache: SequenceCache) {
        fedTokens = cache.fedTokens
        slots = cache.lanes.slots
        counts = (0..<cache.counts.count).map { cache.counts[$0] }
        layout = cache.plan.layout
        positions = cache.plan.positions
        byteCount = cache.block.byteCount
        unsafe base = UnsafeRawPointer(cache.block.base)
        owner = cache.block
    }

    /// An image whose bytes come in pieces: `next` gives as many as it is asked for.
    public init(
        fedTokens: Int, slots: [Int], counts: [Int], layout: SlotLayout, positions: PositionMode, byteCount: Int,
        next: (_ count: Int) throws -> [UInt8]
    ) rethrows {
        let buffer = AlignedBuffer<UInt8>(count: byteCount)
        (self.fedTokens, self.slots, self.counts) = (fedTokens, slots, counts)
        (self.layout, self.positions, self.byteCount) = (layout, positions, byteCount)
        unsafe base = UnsafeRawPointer(buffer.base)
        owner = buffer
        var filled = 0
        while filled < byteCount {
            let piece = try next(min(4 << 20, byteCount - filled))
            precondition(!piece.isEmpty && piece.count <= byteCount - filled, "a piece of \(piece.count) bytes")
            unsafe piece.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress else { return }
                unsafe (buffer.base + filled).update(from: source, count: bytes.count)
            }
            filled += piece.count
        }
    }

    /// Lends the bytes for reading.
    public func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: byteCount)))
    }

    /// The bytes that lanes of so many slots take; nil where they are none or too many to count.
    public static func byteCount(slots: [Int], kvHeads: Int, layout: SlotLayout) -> Int? {
        var total = 0
        for slots in slots {
            let (product, isTooLarge) = slots.multipliedReportingOverflow(by: kvHeads * layout.slotBytes)
            let (sum, overflows) = total.addingReportingOverflow(product)
            guard slots > 0, !isTooLarge, !overflows else { return nil }
            total = sum
        }
        return total
    }

    /// Why this is no cache that a session of the plan could have left; nil if it is one. `plan` is any plan of the
    /// session, for its policy, kind of entries and shape.
    public func fault(for plan: CachePlan) -> String? {
        let shape = plan.shape
        guard slots.count == shape.layerCount, counts.count == shape.laneCount else {
            return "it has \(slots.count) layers with \(counts.count) lanes"
        }
        guard layout == plan.layout, positions == plan.positions else { return "its entries are of another kind" }
        guard Self.byteCount(slots: slots, kvHeads: shape.kvHeads, layout: layout) == byteCount else {
            return "\(byteCount) bytes do not fill its lanes"
        }
        guard fedTokens > 0, fedTokens <= Int(Int32.max) else { return "it was fed \(fedTokens) tokens" }
        let lanes = LaneTable(slots: slots, kvHeads: shape.kvHeads)
        for layer in 0..<shape.layerCount {
            for kvHead in 0..<shape.kvHeads {
                if let fault = laneFault(layer: layer, kvHead: kvHead, lanes, shape) {
                    return "layer \(layer), KV head \(kvHead): \(fault)"
                }
            }
        }
        return nil
    }

    private func laneFault(layer: Int, kvHead: Int, _ lanes: LaneTable, _ shape: CacheShape) -> String? {
        let (count, window) = (counts[layer * shape.kvHeads + kvHead], shape.window(layer: layer))
        guard count > 0, window == nil ? count == slots[layer] : count <= slots[layer], slots[layer] <= fedTokens else {
            return "\(count) entries in \(slots[layer]) slots of \(fedTokens) tokens"
        }
        let lane = unsafe Lane(
            block: UnsafeMutableRawPointer(mutating: base), total: lanes.total,
            first: lanes.first(layer: layer, kvHead: kvHead), layout: layout)
        var previous = window.map { Int32(clamping: max(-1, fedTokens - $0)) } ?? -1
        for slot in 0..<count {
            let position = unsafe lane.positions[slot]
            guard position > previous, Int(position) < fedTokens else { return "position \(position) in slot \(slot)" }
            previous = position
        }
        guard let scores = unsafe lane.scores else { return nil }
        return (0..<count).allSatisfy { unsafe scores[$0].isFinite } ? nil : "a score that is no number"
    }
}

extension SequenceCache {
    /// The contents of a settled cache. While the image is in use, its owner begins no turn and drops nothing of it.
    public var image: CacheImage { CacheImage(of: self) }

    /// A settled cache with an image's contents, in which `CacheImage.fault` found nothing.
    public convenience init(image: CacheImage, plan: CachePlan, arena: KVArena) {
        let block = arena.allocate(byteCount: image.byteCount)
        image.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                guard let source = bytes.baseAddress else { return }
                unsafe block.base.copyMemory(from: source, byteCount: bytes.count)
            }
        }
        let counts = AlignedBuffer<Int>(count: image.counts.count)
        for (index, count) in image.counts.enumerated() { counts[index] = count }
        self.init(
            plan: plan, lanes: LaneTable(slots: image.slots, kvHeads: plan.shape.kvHeads), block: block,
            counts: counts, fedTokens: image.fedTokens)
        beginIdle()
    }
}
