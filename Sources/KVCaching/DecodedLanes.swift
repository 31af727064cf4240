internal import Kernels
internal import Synchronization
internal import Tensors

/// One decoded row on one lane while threads work on its parts.
@unsafe struct DecodedLane {
    let parts: Int
    /// [groupSize, stride]: logits or probabilities as the policy wants them; means nothing where it wants none.
    let rows: UnsafeMutablePointer<Float>?
    let stride: Int
    /// [groupSize, parts] each.
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>
    /// The same of the rows that a policy's softmax makes of the logits.
    let scoreMaxima: UnsafeMutablePointer<Float>
    let scoreSums: UnsafeMutablePointer<Float>
    /// [groupSize, parts, headDim]: sums of values.
    let values: UnsafeMutablePointer<Float>
}

/// The work of one layer's attention, cut into items, and what the threads share while they do it. A prompt's lane is
/// one item, and so is a decoded row's lane while there are many of them; the last lanes are one item per part, so that
/// all threads end together, and who finishes the last part finishes the lane. Memory grows with the first step of its
/// size and is kept.
@safe final class DecodedLanes {
    struct Item {
        let job: Int
        let kvHead: Int
        /// Number of the decoded lane; nothing for prompts.
        let lane: Int
        let parts: Range<Int>
        /// Whether these are all parts of the lane: its rows stay with the worker, in caches that are its own.
        let isWhole: Bool
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
    private let threads: Int
    private(set) var items: [Item] = []
    private var places: [Place] = []
    private var countdowns: [Countdown] = []
    private var rows = AlignedBuffer<Float>(count: 0)
    private var sums = AlignedBuffer<Float>(count: 0)

    init(shape: CacheShape, threads: Int) {
        self.shape = shape
        self.threads = threads
    }

    /// Lays out a layer's work: prompts first, which take longest.
    func begin(_ jobs: [AttentionJob], layer: Int) {
        items.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        var partsLeft = 0
        for (number, job) in jobs.enumerated() {
            for kvHead in 0..<shape.kvHeads {
                guard job.promptRows == nil else {
                    items.append(Item(job: number, kvHead: kvHead, lane: -1, parts: 0..<0, isWhole: true))
                    continue
                }
                partsLeft += LaneParts.count(entries: job.cache.count(layer: layer, kvHead: kvHead) + 1)
            }
        }
        var (rowCount, sumCount) = (0, 0)
        // Sequences with the same seed read the same noise: lanes of a KV head follow each other, while it is at hand.
        for kvHead in 0..<shape.kvHeads {
            for (number, job) in jobs.enumerated() where job.promptRows == nil {
                let entries = job.cache.count(layer: layer, kvHead: kvHead) + 1
                let (parts, stride) = (LaneParts.count(entries: entries), LaneScratch.rowStride(entries))
                partsLeft -= parts
                let isWhole = threads == 1 || partsLeft >= 2 * threads * parts
                for first in isWhole ? 0..<1 : 0..<parts {
                    items.append(
                        Item(
                            job: number, kvHead: kvHead, lane: places.count,
                            parts: isWhole ? 0..<parts : first..<first + 1, isWhole: isWhole))
                }
                let sharesRows = !isWhole && job.cache.plan.tap != .none
                places.append(
                    Place(parts: parts, rows: sharesRows ? rowCount : -1, stride: stride, sums: sumCount))
                if sharesRows { rowCount += shape.groupSize * stride }
                sumCount += shape.groupSize * parts * (shape.headDim + 4)
            }
        }
        if rowCount > rows.count { rows = AlignedBuffer(count: rowCount + rowCount / 4) }
        if sumCount > sums.count { sums = AlignedBuffer(count: sumCount + sumCount / 4) }
        while countdowns.count < places.count { countdowns.append(Countdown()) }
        // Published by the team's start of the loop.
        for (number, place) in places.enumerated() { countdowns[number].left.store(place.parts, ordering: .relaxed) }
    }

    /// The item's lane; `workerRows` has room for rows of a whole one.
    @unsafe func lane(of item: Item, workerRows: UnsafeMutablePointer<Float>) -> DecodedLane {
        let place = places[item.lane]
        let perPart = shape.groupSize * place.parts
        let base = unsafe sums.base + place.sums
        return unsafe DecodedLane(
            parts: place.parts, rows: item.isWhole ? workerRows : place.rows < 0 ? nil : rows.base + place.rows,
            stride: place.stride, maxima: base, sums: base + perPart, scoreMaxima: base + 2 * perPart,
            scoreSums: base + 3 * perPart, values: base + 4 * perPart)
    }

    /// The item's parts are done. True for the last of its lane: its thread sees what the others wrote.
    func finished(_ item: Item) -> Bool {
        if item.isWhole { return true }
        return countdowns[item.lane].left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
