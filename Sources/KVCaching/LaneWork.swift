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

/// The work of one layer's attention, cut into items, and what the threads share while they do it. A prompt's rows on
/// a lane are one item, or several where lanes are too few to keep all threads busy. A decoded row's lane is one item
/// while there are many of them, and so are all lanes of a short cache; the last lanes are one item per part, so that
/// all threads end together. Who finishes the last item of a lane finishes the lane. Memory grows with the first step
/// of its size and is kept.
@safe final class LaneWork {
    struct Item {
        let job: Int
        /// One, or all of a short cache.
        let kvHeads: Range<Int>
        /// Number of the first lane that threads may share; -1 for a prompt's lane that is one item.
        let lane: Int
        /// Of a decoded lane.
        var parts = 0..<0
        /// Whether these are all parts of each lane: its rows stay with the worker, in caches that are its own.
        var isWhole = true
        /// The item's rows of a prompt.
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
    private let threads: Int
    private(set) var items: [Item] = []
    /// Prompt rows whose keys and values have to stand in their lanes before the items begin.
    private(set) var appended: [Item] = []
    private var places: [Place] = []
    private var countdowns: [Countdown] = []
    private var rows = AlignedBuffer<Float>(count: 0)
    private var sums = AlignedBuffer<Float>(count: 0)
    /// How much of `rows` and `sums` the step needs.
    private var rowCount = 0
    private var sumCount = 0

    init(shape: CacheShape, threads: Int) {
        self.shape = shape
        self.threads = threads
    }

    /// Lays out a layer's work: prompts first, which take longest, short caches last.
    func begin(_ jobs: [AttentionJob], layer: Int) {
        items.removeAll(keepingCapacity: true)
        appended.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        (rowCount, sumCount) = (0, 0)
        addPrompts(of: jobs)
        // Enough caches to share: a thread takes all lanes of a short one, which stand one after the other.
        let takesWholeCaches = jobs.count >= 4 * threads
        func isShort(_ job: AttentionJob) -> Bool { takesWholeCaches && parts(of: job, layer, kvHead: 0) == 1 }
        addLanes(of: jobs, layer, where: { !isShort($0) })
        for (number, job) in jobs.enumerated() where job.promptRows == nil && isShort(job) {
            items.append(Item(job: number, kvHeads: 0..<shape.kvHeads, lane: places.count, parts: 0..<1))
            for kvHead in 0..<shape.kvHeads { addPlace(of: job, layer, kvHead: kvHead, sharesRows: false) }
        }
        if rowCount > rows.count { rows = AlignedBuffer(count: rowCount + rowCount / 4) }
        if sumCount > sums.count { sums = AlignedBuffer(count: sumCount + sumCount / 4) }
        while countdowns.count < places.count { countdowns.append(Countdown()) }
        // Published by the team's start of the loop.
        for (number, place) in places.enumerated() { countdowns[number].left.store(place.parts, ordering: .relaxed) }
    }

    private func addPrompts(of jobs: [AttentionJob]) {
        let lanes = jobs.count { $0.promptRows != nil } * shape.kvHeads
        for (number, job) in jobs.enumerated() {
            guard let rows = job.promptRows else { continue }
            let wanted = job.sharesLanes && threads > 1 ? Self.itemsPerThread * threads / lanes : 1
            for kvHead in 0..<shape.kvHeads { addPrompt(rows, job: number, kvHead: kvHead, items: wanted) }
        }
    }

    /// Adds a prompt's lane as `wanted` items, or fewer where these had less than a quantum of rows.
    private func addPrompt(_ rows: Range<Int>, job: Int, kvHead: Int, items wanted: Int) {
        let quanta = (rows.count + Self.rowQuantum - 1) / Self.rowQuantum
        let size = (quanta + max(1, wanted) - 1) / max(1, wanted) * Self.rowQuantum
        let kvHeads = kvHead..<kvHead + 1
        let lane = Item(job: job, kvHeads: kvHeads, lane: -1, promptRows: rows)
        guard size < rows.count else { return items.append(lane) }
        appended.append(lane)
        var parts = 0
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: size) {
            let end = min(rows.upperBound, start + size)
            items.append(
                Item(job: job, kvHeads: kvHeads, lane: places.count, isWhole: false, promptRows: start..<end))
            parts += 1
        }
        places.append(Place(parts: parts, rows: -1, stride: 0, sums: 0))
    }

    /// Sequences with the same seed read the same noise: lanes of a KV head follow each other, while it is at hand.
    private func addLanes(of jobs: [AttentionJob], _ layer: Int, where isTaken: (AttentionJob) -> Bool) {
        var partsLeft = 0
        for job in jobs where job.promptRows == nil && isTaken(job) {
            for kvHead in 0..<shape.kvHeads { partsLeft += parts(of: job, layer, kvHead: kvHead) }
        }
        for kvHead in 0..<shape.kvHeads {
            for (number, job) in jobs.enumerated() where job.promptRows == nil && isTaken(job) {
                let parts = parts(of: job, layer, kvHead: kvHead)
                partsLeft -= parts
                let isWhole = threads == 1 || partsLeft >= 2 * threads * parts
                for first in isWhole ? 0..<1 : 0..<parts {
                    items.append(
                        Item(
                            job: number, kvHeads: kvHead..<kvHead + 1, lane: places.count,
                            parts: isWhole ? 0..<parts : first..<first + 1, isWhole: isWhole))
                }
                addPlace(of: job, layer, kvHead: kvHead, sharesRows: !isWhole && job.cache.plan.tap != .none)
            }
        }
    }

    private func parts(of job: AttentionJob, _ layer: Int, kvHead: Int) -> Int {
        LaneParts.count(entries: job.cache.count(layer: layer, kvHead: kvHead) + 1)
    }

    private func addPlace(of job: AttentionJob, _ layer: Int, kvHead: Int, sharesRows: Bool) {
        let entries = job.cache.count(layer: layer, kvHead: kvHead) + 1
        let (parts, stride) = (LaneParts.count(entries: entries), LaneScratch.rowStride(entries))
        places.append(Place(parts: parts, rows: sharesRows ? rowCount : -1, stride: stride, sums: sumCount))
        if sharesRows { rowCount += shape.groupSize * stride }
        sumCount += shape.groupSize * parts * (shape.headDim + 4)
    }

    /// One of the item's lanes; `workerRows` has room for rows of a whole one.
    @unsafe func lane(_ number: Int, of item: Item, workerRows: UnsafeMutablePointer<Float>) -> DecodedLane {
        let place = places[number]
        let perPart = shape.groupSize * place.parts
        let base = unsafe sums.base + place.sums
        return unsafe DecodedLane(
            parts: place.parts, rows: item.isWhole ? workerRows : place.rows < 0 ? nil : rows.base + place.rows,
            stride: place.stride, maxima: base, sums: base + perPart, scoreMaxima: base + 2 * perPart,
            scoreSums: base + 3 * perPart, values: base + 4 * perPart)
    }

    /// The item's part of the lane is done. True for the last of them: its thread sees what the others wrote.
    func finished(_ number: Int, of item: Item) -> Bool {
        if item.isWhole { return true }
        return countdowns[number].left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
