internal import Generation

/// A token and the logit it is ranked by.
struct Candidate: Sendable, Equatable {
    let logit: Float
    let token: TokenID

    /// The larger logit is better, among equals the lower id.
    func isBetter(than other: Candidate) -> Bool {
        logit > other.logit || (logit == other.logit && token < other.token)
    }
}

/// A binary heap with the best candidate on top: ranks the few best of many without sorting all.
struct CandidateHeap: Sendable {
    private var items: [Candidate] = []

    var isEmpty: Bool { items.isEmpty }

    /// Empties the heap and keeps its memory.
    mutating func removeAll() { items.removeAll(keepingCapacity: true) }

    /// Adds a candidate without ordering; `build` follows.
    mutating func append(_ candidate: Candidate) { items.append(candidate) }

    /// Orders what was appended, in linear time.
    mutating func build() {
        for index in stride(from: items.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    /// Removes and returns the best.
    mutating func popBest() -> Candidate? {
        guard let last = items.popLast() else { return nil }
        guard let best = items.first else { return last }
        items[0] = last
        sink(0)
        return best
    }

    private mutating func sink(_ start: Int) {
        let item = items[start]
        var hole = start
        while true {
            var child = 2 * hole + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].isBetter(than: items[child]) { child += 1 }
            guard items[child].isBetter(than: item) else { break }
            items[hole] = items[child]
            hole = child
        }
        items[hole] = item
    }
}
