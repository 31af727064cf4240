/// Why a vocabulary cannot be used. Each text says which field is wrong and what would be accepted.
public enum TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There are no tokens at all.
    case emptyVocabulary
    /// Two lists that describe the same tokens have different lengths.
    case countMismatch(field: String, count: Int, tokens: Int)
    /// A field names a token id outside the vocabulary.
    case tokenOutOfRange(field: String, id: Int, vocabularySize: Int)
    /// A token that text can produce has no text.
    case emptyToken(id: Int)
    /// Two tokens have the same text, so a text would have two encodings.
    case duplicateToken(id: Int, other: Int)
    /// A score is not a number.
    case badScore(id: Int)
    /// A merge rule cannot be applied.
    case badMerge(index: Int, reason: String)
    /// Some text has no encoding: this byte has no token, and there is no unknown token either.
    case missingByte(UInt8)
    /// A variant that is not built in; `known` lists the ones that are.
    case unsupported(field: String, value: String, known: [String])
    /// A field is missing or has the wrong type or value; the empty field is the file's whole value.
    case badField(field: String, reason: String)
    /// The file is not JSON.
    case badJSON(String)
    /// A SentencePiece file is not what it should be at this byte.
    case badProtobuf(message: String, offset: Int, reason: String)
    /// A line of a rank file is wrong.
    case badRank(line: Int, reason: String)
    /// A pattern does not compile.
    case badPattern(pattern: String, offset: Int, reason: String)

    public var description: String {
        switch self {
        case .emptyVocabulary:
            "the vocabulary has no tokens"
        case .countMismatch(let field, let count, let tokens):
            "\(field) has \(count) entries but the vocabulary has \(tokens) tokens: the counts must be equal"
        case .tokenOutOfRange(let field, let id, let size):
            "\(field): token id \(id) is outside the vocabulary (0 to \(size - 1))"
        case .emptyToken(let id):
            "token \(id) has no text"
        case .duplicateToken(let id, let other):
            "tokens \(other) and \(id) have the same text"
        case .badScore(let id):
            "the score of token \(id) is not a number"
        case .badMerge(let index, let reason):
            "merge \(index): \(reason)"
        case .missingByte(let byte):
            "no token for byte 0x\(hexadecimal(byte)) and no unknown token: some text could not be encoded"
        case .unsupported(let field, let value, let known):
            "\(field) \"\(value)\" is not supported; known are \(known.joined(separator: ", "))"
        case .badField(let field, let reason):
            field.isEmpty ? "the JSON text \(reason)" : "\(field): \(reason)"
        case .badJSON(let reason):
            "not valid JSON: \(reason)"
        case .badProtobuf(let message, let offset, let reason):
            "not a SentencePiece model: \(message), byte \(offset): \(reason)"
        case .badRank(let line, let reason):
            "line \(line) of the ranks: \(reason)"
        case .badPattern(let pattern, let offset, let reason):
            "pattern \"\(pattern)\" is wrong at offset \(offset): \(reason)"
        }
    }
}

/// Two upper-case hexadecimal digits, as in the byte tokens `<0x0A>`.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0" + digits : digits
}
