internal import Generation

/// `text_offset` of tokens: how many Unicode scalars of the answer's text (prompt included with `echo`) stand before a
/// token. A token that begins inside a character has that character's offset.
struct TextOffsets: Sendable {
    private var begunCharacters = 0

    /// At the start of the text.
    init() {}

    /// Offset of the next generated token.
    mutating func place(_ bytes: [UInt8]) -> Int {
        let startsInside = bytes.first.map(isContinuation) ?? false
        let offset = startsInside ? max(0, begunCharacters - 1) : begunCharacters
        begunCharacters += bytes.count { !isContinuation($0) }
        return offset
    }

    /// Offsets of a prompt's tokens in its text. Tokens that leave no trace in the text (BOS, the space that some
    /// vocabularies put in front) take no room.
    mutating func place(prompt tokens: [ReportedToken], in text: String) -> [Int] {
        let utf8 = Array(text.utf8)
        var cursor = 0
        var offsets: [Int] = []
        for token in tokens {
            var bytes = token.bytes[...]
            let hasAddedSpace = cursor == 0 && bytes.first == UInt8(ascii: " ") && utf8.first != UInt8(ascii: " ")
            if hasAddedSpace { bytes = bytes.dropFirst() }
            if utf8[cursor...].starts(with: bytes) {
                offsets.append(place(Array(bytes)))
                cursor += bytes.count
            } else {
                offsets.append(begunCharacters)
            }
        }
        begunCharacters = text.unicodeScalars.count
        return offsets
    }
}

private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
