/// Finds stop strings in text that comes in pieces, whatever the borders between them.
///
/// The match that ends first wins; among stop strings that end together, the longest. Text that may begin a stop
/// string is held back: exactly the longest suffix that is a prefix of one. An automaton over bytes (Aho and Corasick
/// 1975), so each byte costs constant time however many stop strings there are.
public struct StopStringMatcher: Sendable {
    private struct Node: Sendable {
        var children: [UInt8: Int] = [:]
        /// Node of the longest proper suffix that is a prefix of a stop string.
        var suffix = 0
        /// Length of the text that leads here.
        var depth = 0
        /// Index of the longest stop string that ends here.
        var stop: Int?
    }

    private let stops: [String]
    private let includeStop: Bool
    private var nodes = [Node()]
    private var state = 0
    private var held: [UInt8] = []
    private var isDone = false

    /// Empty stop strings match nowhere. `includeStop` emits the stop string itself too.
    public init(_ stops: [String], includeStop: Bool) {
        self.stops = stops
        self.includeStop = includeStop
        for (number, stop) in stops.enumerated() { insert(stop, number) }
        linkSuffixes()
    }

    private mutating func insert(_ stop: String, _ number: Int) {
        var node = 0
        for byte in stop.utf8 {
            if let child = nodes[node].children[byte] {
                node = child
            } else {
                nodes.append(Node(depth: nodes[node].depth + 1))
                nodes[node].children[byte] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        if node != 0, nodes[node].stop == nil { nodes[node].stop = number }
    }

    /// Breadth first, so that a node's suffix is linked before the node.
    private mutating func linkSuffixes() {
        var queue = Array(nodes[0].children.values)
        var place = 0
        while place < queue.count {
            let node = queue[place]
            place += 1
            for (byte, child) in nodes[node].children {
                let suffix = step(from: nodes[node].suffix, byte)
                nodes[child].suffix = suffix
                if nodes[child].stop == nil { nodes[child].stop = nodes[suffix].stop }
                queue.append(child)
            }
        }
    }

    private func step(from node: Int, _ byte: UInt8) -> Int {
        var node = node
        while true {
            if let child = nodes[node].children[byte] { return child }
            if node == 0 { return 0 }
            node = nodes[node].suffix
        }
    }

    /// The text that is safe to emit now, and the stop string that ended it. After a match nothing more is emitted.
    public mutating func append(_ text: String) -> (emit: String, matched: String?) {
        if isDone { return ("", nil) }
        if nodes.count == 1 { return (text, nil) }
        for byte in text.utf8 {
            held.append(byte)
            state = step(from: state, byte)
            guard let stop = nodes[state].stop else { continue }
            isDone = true
            let kept = includeStop ? held.count : held.count - stops[stop].utf8.count
            defer { held = [] }
            return (String(decoding: held[..<kept], as: UTF8.self), stops[stop])
        }
        // A stop string starts with a whole character, so the held suffix does too.
        let safe = held.count - nodes[state].depth
        defer { held.removeFirst(safe) }
        return (String(decoding: held[..<safe], as: UTF8.self), nil)
    }

    /// What was held back, now that no more text comes; empty after a match.
    public mutating func finish() -> String {
        defer {
            held = []
            isDone = true
        }
        return String(decoding: held, as: UTF8.self)
    }
}
