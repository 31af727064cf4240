internal import Generation

/// How a stored token spells its bytes.
enum TokenSpelling: Sendable, Equatable {
    /// Each character stands for one byte (GPT-2's alphabet).
    case byteLevel
    /// Text, after replacements; byte tokens `<0x0A>` stand for their byte if `hasByteTokens`.
    case text(replacements: [Replacement], hasByteTokens: Bool)
    /// Tokens that begin with the mark continue a word; before the others there is a space. `cleansUp` removes spaces
    /// that English does not write, such as those before punctuation.
    case wordPiece(continuation: [UInt8], cleansUp: Bool)

    struct Replacement: Sendable, Equatable {
        var pattern: [UInt8]
        var content: [UInt8]
    }

    /// U+2581 is a space.
    static let sentencePiece = TokenSpelling.text(
        replacements: [Replacement(pattern: spaceMark, content: [UInt8(ascii: " ")])], hasByteTokens: true)

    /// UTF-8 of U+2581, SentencePiece's visible space.
    static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

    /// The bytes that a token adds to the output. Control, unknown and user-defined tokens are their literal text.
    func bytes(of token: [UInt8], type: TokenType) -> [UInt8] {
        let isLiteral = type == .control || type == .unknown || type == .userDefined
        switch self {
        case .byteLevel where isLiteral, .text where isLiteral:
            return token
        case .byteLevel:
            return ByteAlphabet.decode(token) ?? token
        case .text(let replacements, let hasByteTokens):
            if hasByteTokens, let byte = Self.byte(spelledBy: token) { return [byte] }
            return replacements.reduce(token) { $0.replacing($1.pattern, $1.content) }
        case .wordPiece(let continuation, let cleansUp):
            let text =
                token.starts(with: continuation)
                ? Array(token.dropFirst(continuation.count)) : [UInt8(ascii: " ")] + token
            guard cleansUp else { return text }
            return Self.tidyEnglish.reduce(text) { $0.replacing($1.pattern, $1.content) }
        }
    }

    private static let tidyEnglish: [Replacement] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { Replacement(pattern: Array($0.utf8), content: Array($1.utf8)) }

    /// The byte of a token such as `<0x0A>`; nil for any other text.
    static func byte(spelledBy token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else { return nil }
        let digits = String(decoding: token[3..<5], as: UTF8.self)
        guard digits.allSatisfy(\.isHexDigit) else { return nil }
        return UInt8(digits, radix: 16)
    }
}
