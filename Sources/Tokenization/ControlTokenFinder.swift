internal import Generation

/// Finds the texts of a tokenizer's control tokens in the text that a chat template wrote itself.
///
/// What a client sent never goes through here: it becomes `ChatPiece.text` as it is.
public struct ControlTokenFinder: Sendable {
    private let matcher: AddedTokenMatcher
    private let texts: [TokenID: String]

    /// Prepared once for a tokenizer; finding then takes time proportional to the text.
    public init(_ tokenizer: Tokenizer) {
        var tokens: [AddedToken] = []
        var texts: [TokenID: String] = [:]
        for id in tokenizer.vocabulary.tokens.indices {
            let id = TokenID(id)
            guard tokenizer.isSpecial(id), var token = tokenizer.addedToken(id) else { continue }
            guard let text = String(validating: token.text, as: UTF8.self) else { continue }
            // White space beside such a token is dropped where the pieces are encoded.
            (token.stripsLeft, token.stripsRight) = (false, false)
            tokens.append(token)
            texts[id] = text
        }
        matcher = AddedTokenMatcher(tokens)
        self.texts = texts
    }

    /// The text with its control tokens as pieces of their own.
    public func pieces(of text: String) -> [ChatPiece] {
        let bytes = Array(text.utf8)
        var pieces: [ChatPiece] = []
        var end = 0
        for match in matcher.matches(in: bytes) {
            guard let token = texts[match.id] else { continue }
            if match.range.lowerBound > end {
                pieces.append(.text(String(decoding: bytes[end..<match.range.lowerBound], as: UTF8.self)))
            }
            pieces.append(.special(token))
            end = match.range.upperBound
        }
        if end < bytes.count { pieces.append(.text(String(decoding: bytes[end...], as: UTF8.self))) }
        return pieces
    }
}
