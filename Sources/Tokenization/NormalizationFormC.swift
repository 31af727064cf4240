// The standard library composes characters to compare strings. It offers that only as SPI; the public way to it would
// link all of Foundation and its Unicode tables for this one function.
@_spi(_Unicode) internal import Swift

/// Unicode normalisation form C (UAX 15).
enum NormalizationFormC {
    /// The text with composed characters. `text` is valid UTF-8.
    static func compose(_ text: [UInt8]) -> [UInt8] {
        // Characters below U+0300 begin with a byte below 0xCC and never change.
        guard text.contains(where: { $0 >= 0xCC }) else { return text }
        var composed: [UInt8] = []
        composed.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self)._nfc {
            composed.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return composed
    }
}
