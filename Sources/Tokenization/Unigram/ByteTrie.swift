/// Texts by their bytes, to find all that begin at a place.
///
/// Nodes are numbered breadth first and the edges of a node lie together, sorted by byte.
struct ByteTrie: Sendable {
    private static let none: Int32 = -1

    /// Place of each node's first edge, and one more for the end.
    private var firstEdges: [Int32] = []
    private var labels: [UInt8] = []
    private var targets: [Int32] = []
    private var values: [Int32] = []

    /// Empty texts are left out; of equal ones the last counts.
    init(_ entries: [(text: [UInt8], value: Int32)]) {
        let sorted = entries.filter { !$0.text.isEmpty }.enumerated().sorted { left, right in
            if left.element.text == right.element.text { return left.offset < right.offset }
            return left.element.text.lexicographicallyPrecedes(right.element.text)
        }.map(\.element)
        var queue = [(range: 0..<sorted.count, depth: 0)]
        var head = 0
        while head < queue.count {
            var (range, depth) = queue[head]
            head += 1
            firstEdges.append(Int32(labels.count))
            var value = Self.none
            while let first = range.first, sorted[first].text.count == depth {
                value = sorted[first].value
                range.removeFirst()
            }
            values.append(value)
            while let first = range.first {
                let label = sorted[first].text[depth]
                let end = range.first { sorted[$0].text[depth] != label } ?? range.upperBound
                labels.append(label)
                targets.append(Int32(queue.count))
                queue.append((first..<end, depth + 1))
                range = end..<range.upperBound
            }
        }
        firstEdges.append(Int32(labels.count))
    }

    /// The child of a node by a byte; node 0 is the root.
    @inline(__always)
    private func child(of node: Int32, by byte: UInt8) -> Int32? {
        var low = Int(firstEdges[Int(node)])
        var high = Int(firstEdges[Int(node) + 1])
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < byte { low = middle + 1 } else { high = middle }
        }
        guard low < Int(firstEdges[Int(node) + 1]), labels[low] == byte else { return nil }
        return targets[low]
    }

    /// Calls `body` with the value and length of each text that stands at `start`, shortest first.
    func forEachPrefix(in text: [UInt8], _ range: Range<Int>, _ body: (_ value: Int32, _ length: Int) -> Void) {
        var node: Int32 = 0
        var place = range.lowerBound
        while place < range.upperBound, let next = child(of: node, by: text[place]) {
            node = next
            place += 1
            if values[Int(node)] != Self.none { body(values[Int(node)], place - range.lowerBound) }
        }
    }

    /// The longest text that stands at the start of `range`.
    func longestPrefix(in text: [UInt8], _ range: Range<Int>) -> (value: Int32, length: Int)? {
        var longest: (Int32, Int)?
        forEachPrefix(in: text, range) { longest = ($0, $1) }
        return longest
    }
}
