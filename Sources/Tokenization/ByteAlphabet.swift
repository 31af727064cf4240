/// GPT-2's printable alphabet: each of the 256 bytes has one visible character, so that byte-level tokens are text.
///
/// Bytes that Latin-1 shows (`!` to `~`, `¡` to `¬`, `®` to `ÿ`) stand for themselves; the other 68 take U+0100 onward.
enum ByteAlphabet {
    /// Character of each byte.
    static let characters: [Unicode.Scalar] = {
        var characters: [Unicode.Scalar] = []
        var next: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE {
                characters.append(Unicode.Scalar(byte))
            } else {
                characters.append(Unicode.Scalar(next) ?? Unicode.Scalar(byte))
                next += 1
            }
        }
        return characters
    }()

    private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
        uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

    private static let texts: [[UInt8]] = characters.map { Array(String(Character($0)).utf8) }

    /// UTF-8 of a byte's character.
    static func text(of byte: UInt8) -> [UInt8] { texts[Int(byte)] }

    /// UTF-8 of the characters of bytes.
    static func spell(_ bytes: some Sequence<UInt8>) -> [UInt8] { bytes.flatMap { texts[Int($0)] } }

    /// The bytes that a token spells, or nil when it has a character outside the alphabet.
    static func decode(_ token: [UInt8]) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(token.count)
        for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
            guard let byte = bytes[scalar] else { return nil }
            decoded.append(byte)
        }
        return decoded
    }
}
