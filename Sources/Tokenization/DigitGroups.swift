/// Groups of three digits counted from the right end of a run, as in `1,234,567`. The patterns that say so look at the
/// rest of the run at every digit; this looks once.
struct DigitGroups: Sendable, Equatable {
    /// The patterns for which this stands.
    enum Kind: Sendable {
        /// `\d{1,3}(?=(?:\d{3})*\b)`: each group is a match, in runs that no word character follows.
        case groups
        /// `(?=(\d{3})+(?!\d))`: an empty match before each whole group of three.
        case borders
        /// `\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))`: each group of numerals is a match.
        case numerals
    }

    /// The pattern of `numerals`.
    static let allNumbers = #"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))"#

    let kind: Kind

    static func standing(for pattern: String) -> DigitGroups? {
        switch pattern {
        case #"\d{1,3}(?=(?:\d{3})*\b)"#: DigitGroups(kind: .groups)
        case #"(?=(\d{3})+(?!\d))"#: DigitGroups(kind: .borders)
        case allNumbers: DigitGroups(kind: .numerals)
        default: nil
        }
    }

    /// The matches within a range of UTF-8 text.
    func matches(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var borders: [Int] = []
        func finish(before next: Unicode.Scalar?) {
            defer { borders.removeAll(keepingCapacity: true) }
            guard borders.count > 1, kind != .groups || !(next.map(Self.isWord) ?? false) else { return }
            let digits = borders.count - 1
            var start = 0
            while start < digits {
                let end = start + (digits - start - 1) % 3 + 1
                if kind != .borders {
                    groups.append(borders[start]..<borders[end])
                } else if end - start == 3 {
                    groups.append(borders[start]..<borders[start])
                }
                start = end
            }
        }
        var place = range.lowerBound
        var decoder = UTF8()
        var units = text[range].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&units) {
            let end = place + UTF8.width(scalar)
            if isDigit(scalar) {
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

    private func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber: true
        case .letterNumber, .otherNumber: kind == .numerals
        default: false
        }
    }

    /// What `\b` takes for a part of a word: alphabetic characters, marks, digits and connectors, and Latin-1's
    /// superscripts and fractions, but no other numerals such as ①. That is how Oniguruma has it.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic { return true }
        return switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        case .otherNumber: scalar.value < 0x100
        default: false
        }
    }
}
