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
/// one item. So is a decoded row's lane while there are many of them, and all lanes of a short cache; the last lanes are
/// one item per part, so that all threads end together, and who finishes the last part finishes the lane. Memory grows
/// with the first step of its size and is kept.
@safe final class DecodedLanes {
    struct Item {
        let job: Int
        /// One, or all of a short cache.
        let kvHeads: Range<Int>
        /// Number of the first decoded lane; nothing for prompts.
        let lane: Int
        let parts: Range<Int>
        /// Whether these are all parts of each lane: its rows stay with the worker, in caches that are its own.
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
        places.removeAll(keepingCapacity: true)
        (rowCount, sumCount) = (0, 0)
        for (number, job) in jobs.enumerated() where job.promptRows != nil {
            for kvHead in 0..<shape.kvHeads {
                items.append(Item(job: number, kvHeads: kvHead..<kvHead + 1, lane: -1, parts: 0..<0, isWhole: true))
            }
        }
        // Enough caches to share: a thread takes all lanes of a short one, which stand one after the other.
        let takesWholeCaches = jobs.count >= 4 * threads
        func isShort(_ job: AttentionJob) -> Bool { takesWholeCaches && parts(of: job, layer, kvHead: 0) == 1 }
        addLanes(of: jobs, layer, where: { !isShort($0) })
        for (number, job) in jobs.enumerated() where job.promptRows == nil && isShort(job) {
            items.append(Item(job: number, kvHeads: 0..<shape.kvHeads, lane: places.count, parts: 0..<1, isWhole: true))
            for kvHead in 0..<shape.kvHeads { addPlace(of: job, layer, kvHead: kvHead, sharesRows: false) }
        }
        if rowCount > rows.count { rows = AlignedBuffer(count: rowCount + rowCount / 4) }
        if sumCount > sums.count { sums = AlignedBuffer(count: sumCount + sumCount / 4) }
        while countdowns.count < places.count { countdowns.append(Countdown()) }
        // Published by the team's start of the loop.
        for (number, place) in places.enumerated() { countdowns[number].left.store(place.parts, ordering: .relaxed) }
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

    /// The item's parts of the lane are done. True for the last of them: its thread sees what the others wrote.
    func finished(_ number: Int, of item: Item) -> Bool {
        if item.isWhole { return true }
        return countdowns[number].left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
