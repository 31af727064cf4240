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

/// The work of one layer's attention, cut into items, and what the threads share while they do it. A prompt's rows on
/// a lane are one item, or several where lanes are too few to keep all threads busy; a decoded row's lane is one item
/// per part. Who finishes the last item of a lane finishes the lane. Memory grows with the first step of its size and
/// is kept.
@safe final class LaneWork {
    struct Item {
        let job: Int
        let kvHead: Int
        /// Number of the shared lane; -1 for a prompt's lane that is one item.
        let lane: Int
        /// Of a decoded lane.
        var part = 0
        /// The item's rows of a prompt whose lane is several items.
        var promptRows = 0..<0
    }

    /// Items per thread that even out their lengths.
    private static let itemsPerThread = 4
    /// Rows of a prompt's item are so many or a multiple of it.
    private static let rowQuantum = 32

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
    /// Prompt rows whose keys and values have to stand in their lanes before the items begin.
    private(set) var appended: [Item] = []
    private var places: [Place] = []
    private var countdowns: [Countdown] = []
    private var rows = AlignedBuffer<Float>(count: 0)
    private var sums = AlignedBuffer<Float>(count: 0)

    init(shape: CacheShape) { self.shape = shape }

    /// Lays out a layer's work.
    func begin(_ jobs: [AttentionJob], layer: Int, threads: Int) {
        items.removeAll(keepingCapacity: true)
        appended.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        var (rowCount, sumCount) = (0, 0)
        let promptLanes = jobs.count { $0.promptRows != nil } * shape.kvHeads
        for (number, job) in jobs.enumerated() {
            for kvHead in 0..<shape.kvHeads {
                if let rows = job.promptRows {
                    let wanted = job.sharesLanes && threads > 1 ? Self.itemsPerThread * threads / promptLanes : 1
                    addPrompt(rows, of: Item(job: number, kvHead: kvHead, lane: -1), items: wanted)
                    continue
                }
                let entries = job.cache.count(layer: layer, kvHead: kvHead) + 1
                let (parts, stride) = (LaneParts.count(entries: entries), LaneScratch.rowStride(entries))
                let keepsRows = job.cache.plan.tap != .none
                for part in 0..<parts {
                    items.append(Item(job: number, kvHead: kvHead, lane: places.count, part: part))
                }
                places.append(
                    Place(parts: parts, rows: keepsRows ? rowCount : -1, stride: stride, sums: sumCount))
                if keepsRows { rowCount += shape.groupSize * stride }
                sumCount += shape.groupSize * parts * (shape.headDim + 2)
            }
        }
        if rowCount > rows.count { rows = AlignedBuffer(count: rowCount + rowCount / 4) }
        if sumCount > sums.count { sums = AlignedBuffer(count: sumCount + sumCount / 4) }
        while countdowns.count < places.count { countdowns.append(Countdown()) }
        // Published by the team's start of the loop.
        for (number, place) in places.enumerated() { countdowns[number].left.store(place.parts, ordering: .relaxed) }
    }

    /// Adds a prompt's lane as `wanted` items, or fewer where these had less than a quantum of rows.
    private func addPrompt(_ rows: Range<Int>, of lane: Item, items wanted: Int) {
        let quanta = (rows.count + Self.rowQuantum - 1) / Self.rowQuantum
        let size = (quanta + max(1, wanted) - 1) / max(1, wanted) * Self.rowQuantum
        guard size < rows.count else { return items.append(lane) }
        appended.append(Item(job: lane.job, kvHead: lane.kvHead, lane: -1, promptRows: rows))
        let starts = stride(from: rows.lowerBound, to: rows.upperBound, by: size)
        var parts = 0
        for start in starts {
            items.append(
                Item(
                    job: lane.job, kvHead: lane.kvHead, lane: places.count,
                    promptRows: start..<min(rows.upperBound, start + size)))
            parts += 1
        }
        places.append(Place(parts: parts, rows: -1, stride: 0, sums: 0))
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
