/// Replacements of character sequences as SentencePiece compiles them into a file: the size of a trie, the trie, then
/// the replacing texts, each ended by a zero.
///
/// The trie is a double array of 32-bit units (Yata et al. 2007, as in Darts-clone): bits 0 to 7 and 31 are the label,
/// bit 8 tells a node that ends a text, bits 10 to 30 are the offset, times 256 where bit 9 is set; a value's unit has
/// bit 31 set and the value below it. Nothing in the file is trusted: a unit outside the array ends a search.
struct PrecompiledCharsMap: Sendable, Equatable {
    private let units: [UInt32]
    private let texts: [UInt8]

    /// Throws where the sizes do not fit; `field` names the place in the file.
    init(_ bytes: [UInt8], field: String) throws(TokenizerError) {
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count >= 4 else {
            throw .badField(field: field, reason: "\(bytes.count) bytes are too few for the size of its trie")
        }
        let size = Int(word(0))
        guard size % 4 == 0, size >= 4, size <= bytes.count - 4 else {
            throw .badField(field: field, reason: "a trie of \(size) bytes does not fit its \(bytes.count) bytes")
        }
        units = stride(from: 4, to: size + 4, by: 4).map(word)
        texts = Array(bytes[(size + 4)...])
        guard texts.isEmpty || texts.last == 0 else {
            throw .badField(field: field, reason: "the last replacement has no end")
        }
    }

    /// A replacement of the first `length` bytes of a range.
    struct Match {
        var text: ArraySlice<UInt8>
        var length: Int
    }

    /// The replacement of the longest sequence, or of the shortest, that begins `range`.
    func match(in text: [UInt8], _ range: Range<Int>, longest: Bool) -> Match? {
        var found: Match?
        var place = 0
        guard descend(&place) != nil else { return nil }
        for index in range {
            let byte = text[index]
            guard byte != 0 else { break }
            let next = place ^ Int(byte)
            guard next < units.count, units[next] & 0x8000_00FF == UInt32(byte) else { break }
            place = next
            guard let endsText = descend(&place) else { break }
            if endsText, place < units.count, let replacement = replacement(Int(units[place] & 0x7FFF_FFFF)) {
                found = Match(text: replacement, length: index - range.lowerBound + 1)
                if !longest { break }
            }
        }
        return found
    }

    /// Goes from a node to the base of its children; tells whether the node ends a text. nil outside the array.
    private func descend(_ place: inout Int) -> Bool? {
        guard place < units.count else { return nil }
        let unit = units[place]
        place ^= Int((unit >> 10) << ((unit & 0x200) >> 6))
        return unit & 0x100 != 0
    }

    private func replacement(_ start: Int) -> ArraySlice<UInt8>? {
        guard start < texts.count, let end = texts[start...].firstIndex(of: 0) else { return nil }
        return texts[start..<end]
    }

    /// Replaces grapheme clusters of under six bytes as a whole by the replacement of their shortest beginning, and
    /// else character by character: how tokenizer.json's `Precompiled` is read.
    func applyToGraphemes(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for cluster in String(decoding: text, as: UTF8.self) {
            let bytes = Array(cluster.utf8)
            if bytes.count < 6, let match = match(in: bytes, 0..<bytes.count, longest: false) {
                result += match.text
                continue
            }
            var start = 0
            for scalar in cluster.unicodeScalars {
                let end = start + UTF8.width(scalar)
                result += match(in: bytes, start..<end, longest: false)?.text ?? bytes[start..<end]
                start = end
            }
        }
        return result
    }
}
