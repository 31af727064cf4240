/// A made-up byte-level BPE vocabulary of a wanted size, with nothing of any real one: all bytes, pairs of lower-case
/// letters with and without a space before the first, and words that no merge reaches.
struct SyntheticVocabulary: Sendable {
    /// GGUF's numbers of token types.
    enum Kind: Int32 { case normal = 1, control = 3 }

    let tokens: [String]
    let kinds: [Kind]
    /// Two tokens with a space between, by falling rank.
    let merges: [String]
    let bosToken: Int
    let eosToken: Int

    /// Tokens without the words that fill the vocabulary.
    static let smallestSize = 256 + 26 + 26 * 26 + 2

    init(size: Int) {
        precondition(size >= Self.smallestSize, "a vocabulary of \(size) tokens")
        let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }
        let space = Self.spelling(of: UInt8(ascii: " "))
        var tokens = (UInt8.min...UInt8.max).map(Self.spelling)
        var merges: [String] = []
        for letter in letters {
            tokens.append(space + letter)
            merges.append("\(space) \(letter)")
        }
        for first in letters {
            for second in letters {
                tokens.append(first + second)
                merges.append("\(first) \(second)")
            }
        }
        bosToken = tokens.count
        eosToken = tokens.count + 1
        tokens += ["<|begin|>", "<|end|>"]
        for index in 0..<size - tokens.count { tokens.append("\(space)w\(index)") }
        kinds = tokens.indices.map { [bosToken, eosToken] in $0 == bosToken || $0 == eosToken ? .control : .normal }
        self.tokens = tokens
        self.merges = merges
    }

    /// The character that stands for a byte in byte-level vocabularies (Radford et al., GPT-2): printable bytes stand
    /// for themselves, the others follow from U+0100 on in their order.
    static func spelling(of byte: UInt8) -> String {
        func isPrintable(_ byte: UInt8) -> Bool {
            (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
        }
        guard !isPrintable(byte) else { return String(UnicodeScalar(byte)) }
        let place = (UInt8.min..<byte).count { !isPrintable($0) }
        return UnicodeScalar(UInt32(0x100 + place)).map { String($0) } ?? ""
    }
}
