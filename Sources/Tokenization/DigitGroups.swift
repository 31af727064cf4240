/// Groups of three digits counted from the right end of a run, as in `1,234,567`. The patterns that say so look at the
/// rest of the run at every digit; this looks once.
struct DigitGroups: Sendable, Equatable {
    /// A run that a word character follows stays as it is.
    var needsWordEnd: Bool

    /// The patterns for which this stands.
    static func standing(for pattern: String) -> DigitGroups? {
        switch pattern {
        case #"\d{1,3}(?=(?:\d{3})*\b)"#: DigitGroups(needsWordEnd: true)
        case #"(?=(\d{3})+(?!\d))"#: DigitGroups(needsWordEnd: false)
        default: nil
        }
    }

    /// The groups within a range of UTF-8 text.
    func matches(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var borders: [Int] = []
        func finish(before next: Unicode.Scalar?) {
            defer { borders.removeAll(keepingCapacity: true) }
            guard borders.count > 1, !(needsWordEnd && (next.map(WordBorders.isWord) ?? false)) else { return }
            let digits = borders.count - 1
            var start = 0
            while start < digits {
                let end = start + (digits - start - 1) % 3 + 1
                groups.append(borders[start]..<borders[end])
                start = end
            }
        }
        var place = range.lowerBound
        var decoder = UTF8()
        var units = text[range].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&units) {
            let end = place + UTF8.width(scalar)
            if scalar.properties.generalCategory == .decimalNumber {
                if borders.isEmpty { borders.append(place) }
                borders.append(end)
            } else {
                finish(before: scalar)
            }
            place = end
        }
        finish(before: nil)
        return groups
    }
}
