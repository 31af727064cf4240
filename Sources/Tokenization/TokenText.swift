internal import Generation

/// How a stored token spells its bytes.
enum TokenSpelling: Sendable, Equatable {
    /// Each character stands for one byte (GPT-2's alphabet).
    case byteLevel
    /// Text, after replacements, those of user-defined tokens if `rewritesUserDefined`; byte tokens `<0x0A>` stand for
    /// their byte if `hasByteTokens`.
    case text(replacements: [Replacement], hasByteTokens: Bool, rewritesUserDefined: Bool = false)
    /// Tokens that continue a word, and others, which have a space before them. `cleansUp` removes spaces that English
    /// does not write, such as those before punctuation.
    case wordPiece(WordPieceMarks, cleansUp: Bool)

    struct Replacement: Sendable, Equatable {
        var pattern: [UInt8]
        var content: [UInt8]
    }

    /// U+2581 is a space.
    static let sentencePiece = TokenSpelling.text(
        replacements: spaceReplacements, hasByteTokens: true)
    /// The same for SentencePiece's own files, where user-defined tokens have spaces too.
    static let sentencePieceFile = TokenSpelling.text(
        replacements: spaceReplacements, hasByteTokens: true, rewritesUserDefined: true)

    private static let spaceReplacements = [Replacement(pattern: spaceMark, content: [UInt8(ascii: " ")])]

    /// UTF-8 of U+2581, SentencePiece's visible space.
    static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

    /// The bytes that a token adds to the output. Control, unknown and user-defined tokens are their literal text.
    func bytes(of token: [UInt8], type: TokenType) -> [UInt8] {
        let isControl = type == .control || type == .unknown
        switch self {
        case .byteLevel where isControl || type == .userDefined: return token
        case .text(_, _, let rewritesUserDefined) where isControl || type == .userDefined && !rewritesUserDefined:
            return token
        case .byteLevel:
            return ByteAlphabet.decode(token) ?? token
        case .text(let replacements, let hasByteTokens, _):
            if hasByteTokens, let byte = Self.byte(spelledBy: token) { return [byte] }
            return replacements.reduce(token) { $0.replacing($1.pattern, $1.content) }
        case .wordPiece(let marks, let cleansUp):
            let text =
                if let rest = marks.continuation(of: token), !(isControl && marks.continuation.isEmpty) {
                    Array(rest)
                } else {
                    [UInt8(ascii: " ")] + (marks.beginning(of: token) ?? token[...])
                }
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
