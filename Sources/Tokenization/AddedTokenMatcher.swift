internal import Generation

/// Finds added tokens in text: leftmost first, longest among those that start at one place.
///
/// A byte trie; a byte that begins no token costs one table look-up.
struct AddedTokenMatcher: Sendable {
    /// An occurrence with the white space that it swallows.
    struct Match {
        var range: Range<Int>
        var id: TokenID
    }

    private static let none: Int32 = -1

    private let tokens: [AddedToken]
    /// `node << 8 | byte` to node; node 0 is the root.
    private var children: [UInt64: Int32] = [:]
    /// Index in `tokens` of the token that ends at each node.
    private var ends: [Int32] = [none]
    private var starts = [Bool](repeating: false, count: 256)

    /// Tokens without text are left out.
    init(_ tokens: [AddedToken]) {
        self.tokens = tokens
        for (number, token) in tokens.enumerated() { insert(token.text, number) }
    }

    private mutating func insert(_ text: [UInt8], _ number: Int) {
        guard let first = text.first else { return }
        starts[Int(first)] = true
        var node: Int32 = 0
        for byte in text {
            let key = Self.key(node, byte)
            if let child = children[key] {
                node = child
            } else {
                node = Int32(ends.count)
                children[key] = node
                ends.append(Self.none)
            }
        }
        if ends[Int(node)] == Self.none { ends[Int(node)] = Int32(number) }
    }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }

    /// All occurrences in UTF-8 text, in order and without overlap.
    func matches(in text: [UInt8]) -> [Match] {
        guard !tokens.isEmpty else { return [] }
        var found: [Match] = []
        var place = 0
        var end = 0
        while place < text.count {
            guard starts[Int(text[place])], let (number, length) = longest(in: text, at: place) else {
                place += 1
                continue
            }
            let stop = place + length
            let token = tokens[number]
            if !token.isSingleWord || WordBorders.surround(place..<stop, in: text) {
                let lower = token.stripsLeft ? WordBorders.spaceStart(before: place, after: end, in: text) : place
                let upper = token.stripsRight ? WordBorders.spaceEnd(after: stop, in: text) : stop
                found.append(Match(range: lower..<upper, id: token.id))
                end = upper
                place = upper
            } else {
                place = stop
            }
        }
        return found
    }

    private func longest(in text: [UInt8], at start: Int) -> (number: Int, length: Int)? {
        var best: (Int, Int)?
        var node: Int32 = 0
        var place = start
        while place < text.count, let child = children[Self.key(node, text[place])] {
            node = child
            place += 1
            if ends[Int(node)] != Self.none { best = (Int(ends[Int(node)]), place - start) }
        }
        return best
    }
}
