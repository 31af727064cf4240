/// White space and word characters around a place in UTF-8 text.
enum WordBorders {
    /// Whether no word character touches the range from outside.
    static func surround(_ range: Range<Int>, in text: [UInt8]) -> Bool {
        let before = scalar(endingAt: range.lowerBound, in: text)
        let after = scalar(startingAt: range.upperBound, in: text)
        return !(before.map(isWord) ?? false) && !(after.map(isWord) ?? false)
    }

    /// Start of the white space that ends at `place`, not before `limit`.
    static func spaceStart(before place: Int, after limit: Int, in text: [UInt8]) -> Int {
        var place = place
        while place > limit, let scalar = scalar(endingAt: place, in: text), scalar.properties.isWhitespace {
            place -= UTF8.width(scalar)
        }
        return max(place, limit)
    }

    /// End of the white space that starts at `place`.
    static func spaceEnd(after place: Int, in text: [UInt8]) -> Int {
        var place = place
        while let scalar = scalar(startingAt: place, in: text), scalar.properties.isWhitespace {
            place += UTF8.width(scalar)
        }
        return min(place, text.count)
    }

    /// Letters, marks, digits, connectors and joiners, as Unicode's regular expressions have them (UTS 18, annex C).
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .nonspacingMark, .spacingMark, .enclosingMark, .connectorPunctuation: return true
        default: return false
        }
    }

    private static func scalar(startingAt place: Int, in text: [UInt8]) -> Unicode.Scalar? {
        String(decoding: text[min(place, text.count)..<min(place + 4, text.count)], as: UTF8.self).unicodeScalars.first
    }

    private static func scalar(endingAt place: Int, in text: [UInt8]) -> Unicode.Scalar? {
        var start = place - 1
        while start > 0, place - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
        guard start >= 0 else { return nil }
        return String(decoding: text[start..<place], as: UTF8.self).unicodeScalars.last
    }
}
