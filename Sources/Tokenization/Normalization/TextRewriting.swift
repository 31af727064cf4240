extension [UInt8] {
    /// Every occurrence of a pattern replaced, from left to right without overlap. An empty pattern occurs nowhere.
    func replacing(_ pattern: [UInt8], _ content: [UInt8]) -> [UInt8] {
        guard let first = pattern.first else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var place = 0
        while place < count {
            if self[place] == first, occurs(pattern, at: place) {
                result.append(contentsOf: content)
                place += pattern.count
            } else {
                result.append(self[place])
                place += 1
            }
        }
        return result
    }

    /// Every match of a pattern replaced by the same text.
    func replacing(_ expression: RegularExpression, _ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var end = 0
        for match in expression.matcher().matches(in: self, 0..<count) {
            result += self[end..<match.lowerBound]
            result += content
            end = match.upperBound
        }
        return result + self[end...]
    }

    /// Whether a pattern stands at a place.
    func occurs(_ pattern: [UInt8], at place: Int) -> Bool {
        guard place + pattern.count <= count else { return false }
        for offset in pattern.indices where self[place + offset] != pattern[offset] { return false }
        return true
    }

    /// UTF-8 text with the characters for which `isKept` holds; ASCII is always kept.
    func filteringScalars(_ isKept: (Unicode.Scalar) -> Bool) -> [UInt8] {
        rewritingScalars { scalar, result in
            if isKept(scalar) { result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) }
        }
    }

    /// UTF-8 text in lower case, character by character.
    func lowercased() -> [UInt8] {
        rewritingScalars(
            ascii: { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 },
            { scalar, result in result.append(contentsOf: scalar.properties.lowercaseMapping.utf8) })
    }

    /// UTF-8 text whose characters beyond ASCII `append` writes anew.
    func rewritingScalars(
        ascii: (UInt8) -> UInt8 = { $0 }, _ append: (Unicode.Scalar, inout [UInt8]) -> Void
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var decoder = UTF8()
        var units = makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&units) {
            if scalar.isASCII { result.append(ascii(UInt8(scalar.value))) } else { append(scalar, &result) }
        }
        return result
    }
}
