internal import Kernels
internal import Synchronization
internal import Tensors

/// One decoded row on one lane while threads work on its parts.
@unsafe struct DecodedLane {
    let parts: Int
    /// [groupSize, stride]: logits or probabilities as the policy wants them; nil where it wants none.
    let rows: UnsafeMutablePointer<Float>?
    let stride: Int
    /// [groupSize, parts] each.
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>
    /// [groupSize, parts, headDim]: sums of values.
    let values: UnsafeMutablePointer<Float>
}

/// The work of one layer's attention, cut into items, and what the threads share while they do it. A prompt's lane is
/// one item; a decoded row's lane is one item per part, and who finishes the last of them finishes the lane. Memory
/// grows with the first step of its size and is kept.
@safe final class DecodedLanes {
    struct Item {
        let job: Int
        /// One, or all of a short cache.
        let kvHeads: Range<Int>
        /// Number of the first decoded lane; nothing for prompts.
        let lane: Int
        let part: Int
    }

    private struct Place {
        let parts: Int
        /// Offset in `rows`, or -1.
        let rows: Int
        let stride: Int
        /// Offset in `sums`.
        let sums: Int
    }

    private final class Countdown: Sendable { let left = Atomic<Int>(0) }

    private let shape: CacheShape
    private(set) var items: [Item] = []
    private var places: [Place] = []
    private var countdowns: [Countdown] = []
    private var rows = AlignedBuffer<Float>(count: 0)
    private var sums = AlignedBuffer<Float>(count: 0)

    init(shape: CacheShape) { self.shape = shape }

    /// Lays out a layer's work.
    func begin(_ jobs: [AttentionJob], layer: Int, threads: Int) {
        // Enough caches to share: a thread takes all lanes of a short one, which stand one after the other.
        let takesWholeCaches = jobs.count >= 4 * threads
        items.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        var (rowCount, sumCount) = (0, 0)
        for (number, job) in jobs.enumerated() {
            if job.promptRows != nil {
                for kvHead in 0..<shape.kvHeads {
                    items.append(Item(job: number, kvHeads: kvHead..<kvHead + 1, lane: -1, part: 0))
                }
                continue
            }
            let firstLane = places.count
            for kvHead in 0..<shape.kvHeads {
                let entries = job.cache.count(layer: layer, kvHead: kvHead) + 1
                let (parts, stride) = (LaneParts.count(entries: entries), LaneScratch.rowStride(entries))
                let keepsRows = job.cache.plan.tap != .none
                for part in 0..<(takesWholeCaches && parts == 1 ? 0 : parts) {
                    items.append(Item(job: number, kvHeads: kvHead..<kvHead + 1, lane: places.count, part: part))
                }
                places.append(
                    Place(parts: parts, rows: keepsRows ? rowCount : -1, stride: stride, sums: sumCount))
                if keepsRows { rowCount += shape.groupSize * stride }
                sumCount += shape.groupSize * parts * (shape.headDim + 2)
            }
            // The lanes of a layer hold equally many.
            if takesWholeCaches && places[firstLane].parts == 1 {
                items.append(Item(job: number, kvHeads: 0..<shape.kvHeads, lane: firstLane, part: 0))
            }
        }
        if rowCount > rows.count { rows = AlignedBuffer(count: rowCount + rowCount / 4) }
        if sumCount > sums.count { sums = AlignedBuffer(count: sumCount + sumCount / 4) }
        while countdowns.count < places.count { countdowns.append(Countdown()) }
        // Published by the team's start of the loop.
        for (number, place) in places.enumerated() { countdowns[number].left.store(place.parts, ordering: .relaxed) }
    }

    @unsafe func lane(_ number: Int) -> DecodedLane {
        let place = places[number]
        let perPart = shape.groupSize * place.parts
        let base = unsafe sums.base + place.sums
        return unsafe DecodedLane(
            parts: place.parts, rows: place.rows < 0 ? nil : rows.base + place.rows, stride: place.stride,
            maxima: base, sums: base + perPart, values: base + 2 * perPart)
    }

    /// One part of the lane is done. True for the last one: its thread sees what the others wrote.
    func finishedPart(of number: Int) -> Bool {
        countdowns[number].left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
