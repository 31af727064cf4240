/// A stretch of text cut into pieces that are tokenised apart from each other.
struct TextPieces {
    /// UTF-8.
    var text: [UInt8]
    /// Byte ranges of the pieces in order, none empty; what lies in no piece is dropped.
    private(set) var ranges: [Range<Int>]
    /// Whether the first piece begins where the stretch began.
    private var beginsAtStart = true

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
        beginsAtStart = beginsAtStart && ranges.first?.lowerBound == 0
    }

    /// Rewrites each piece; the one that begins the stretch is told.
    mutating func rewrite(_ change: (ArraySlice<UInt8>, _ isFirst: Bool) -> [UInt8]) {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var parts: [Range<Int>] = []
        parts.reserveCapacity(ranges.count)
        for (number, range) in ranges.enumerated() {
            let start = result.count
            result.append(contentsOf: change(text[range], number == 0 && beginsAtStart))
            if result.count > start { parts.append(start..<result.count) }
        }
        if beginsAtStart, parts.first?.lowerBound != 0 { beginsAtStart = false }
        text = result
        ranges = parts
    }
}
