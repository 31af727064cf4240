internal import HeapModule

/// Merges the symbols of one word, best rank first and leftmost among equals. Keeps its buffers between words.
///
/// Cost: O(n log n) for n symbols, whatever the text. A queue entry is not removed when its pair changes; it is
/// recognised as stale when it comes up, because the pair at its place then has another rank or none.
struct BytePairMerger {
    private static let gone: Int32 = -1

    private var symbols: [Int32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// `rank << 32 | left`: the smallest entry is the best rank, then the leftmost place.
    private var queue = Heap<UInt64>()
    /// Queue entries handled so far; the linear-cost test bounds it.
    private(set) var operationCount = 0

    init() {}

    /// Calls `emit` with each symbol that is left, from left to right.
    mutating func merge(_ word: [Int32], by table: PairTable, emit: (Int32) -> Void) {
        guard word.count > 1 else {
            word.forEach(emit)
            return
        }
        precondition(word.count < Int(Int32.max), "a word of \(word.count) symbols is longer than its index type")
        load(word, table)
        while let entry = queue.popMin() {
            operationCount += 1
            apply(entry, table)
        }
        var place: Int32 = 0
        while place < word.count {
            emit(symbols[Int(place)])
            place = next[Int(place)]
        }
    }

    private mutating func load(_ word: [Int32], _ table: PairTable) {
        symbols = word
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        var entries: [UInt64] = []
        entries.reserveCapacity(word.count)
        for place in 0..<Int32(word.count) {
            next.append(place + 1)
            previous.append(place - 1)
            if place > 0, let merge = table.merge(word[Int(place) - 1], word[Int(place)]) {
                entries.append(UInt64(merge.rank) << 32 | UInt64(place - 1))
            }
        }
        queue = Heap(entries)
    }

    private mutating func apply(_ entry: UInt64, _ table: PairTable) {
        let left = Int(entry & 0xFFFF_FFFF)
        let right = Int(next[left])
        guard symbols[left] != Self.gone, right < symbols.count,
            let merge = table.merge(symbols[left], symbols[right]), UInt64(merge.rank) == entry >> 32
        else { return }
        symbols[left] = merge.merged
        symbols[right] = Self.gone
        next[left] = next[right]
        if Int(next[left]) < symbols.count { previous[Int(next[left])] = Int32(left) }
        if previous[left] >= 0 { enqueue(Int(previous[left]), left, table) }
        if Int(next[left]) < symbols.count { enqueue(left, Int(next[left]), table) }
    }

    private mutating func enqueue(_ left: Int, _ right: Int, _ table: PairTable) {
        guard let merge = table.merge(symbols[left], symbols[right]) else { return }
        queue.insert(UInt64(merge.rank) << 32 | UInt64(left))
    }
}
