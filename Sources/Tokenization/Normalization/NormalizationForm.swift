// The standard library composes characters to compare strings. It offers that only as SPI; the public way to it would
// link all of Foundation and its Unicode tables for this one function.
@_spi(_Unicode) internal import Swift

/// Unicode's normalisation forms (UAX 15).
enum NormalizationForm: String, Sendable, CaseIterable {
    case composed = "NFC"
    case decomposed = "NFD"
    case compatibilityComposed = "NFKC"
    case compatibilityDecomposed = "NFKD"

    /// The text in this form. `text` is valid UTF-8.
    func apply(to text: [UInt8]) -> [UInt8] {
        // Characters below U+0300 begin with a byte below 0xCC and are composed; ASCII is in every form.
        let least: UInt8 = self == .composed ? 0xCC : 0x80
        guard text.contains(where: { $0 >= least }) else { return text }
        var string = String(decoding: text, as: UTF8.self)
        if self == .compatibilityComposed || self == .compatibilityDecomposed {
            string = CompatibilityMappings.apply(to: string)
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        func append(_ scalar: Unicode.Scalar) {
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        switch self {
        case .composed, .compatibilityComposed: for scalar in string._nfc { append(scalar) }
        case .decomposed, .compatibilityDecomposed: for scalar in string._nfd { append(scalar) }
        }
        return result
    }
}

/// The compatibility decomposition of single characters.
enum CompatibilityMappings {
    private static let targets: [Unicode.Scalar: [Unicode.Scalar]] = {
        var targets: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for record in CompatibilityTable.text.split(whereSeparator: \.isWhitespace) {
            let sides = record.split(separator: ">")
            let source = sides[0].split(separator: "+")
            let codes = sides[1].split(separator: ".").compactMap { UInt32($0, radix: 16) }
            guard let first = UInt32(source[0], radix: 16) else { continue }
            let more = source.count > 1 ? UInt32(source[1]) ?? 0 : 0
            for offset in 0...more {
                guard let scalar = Unicode.Scalar(first + offset) else { continue }
                targets[scalar] = codes.compactMap { Unicode.Scalar($0 + offset) }
            }
        }
        return targets
    }()

    /// The text with every character replaced by its mapping; composing or decomposing it is still to be done.
    static func apply(to text: String) -> String {
        var mapped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar.value >= 0xA0, let target = targets[scalar] {
                mapped.append(contentsOf: target)
            } else {
                mapped.append(scalar)
            }
        }
        return String(mapped)
    }
}
