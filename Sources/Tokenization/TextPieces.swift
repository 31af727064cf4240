/// A stretch of text cut into pieces that are tokenised apart from each other.
struct TextPieces {
    /// UTF-8.
    var text: [UInt8]
    /// Byte ranges of the pieces in order, none empty; what lies in no piece is dropped.
    var ranges: [Range<Int>]

    /// One piece, or none for an empty text.
    init(_ text: [UInt8]) {
        self.text = text
        ranges = text.isEmpty ? [] : [0..<text.count]
    }

    /// Cuts each piece.
    mutating func split(_ cut: ([UInt8], Range<Int>, inout [Range<Int>]) -> Void) {
        var parts: [Range<Int>] = []
        parts.reserveCapacity(ranges.count)
        for range in ranges { cut(text, range, &parts) }
        ranges = parts.filter { !$0.isEmpty }
    }

    /// Rewrites each piece.
    mutating func rewrite(_ change: (ArraySlice<UInt8>, _ isFirst: Bool) -> [UInt8]) {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var parts: [Range<Int>] = []
        parts.reserveCapacity(ranges.count)
        for (number, range) in ranges.enumerated() {
            let start = result.count
            result.append(contentsOf: change(text[range], number == 0))
            if result.count > start { parts.append(start..<result.count) }
        }
        text = result
        ranges = parts
    }
}
