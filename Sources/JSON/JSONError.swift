/// Why and where a text is not acceptable JSON. Never carries more than a short excerpt of the text.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong. Excerpts are at most `excerptLength` characters long.
    public enum Reason: Sendable, Equatable {
        case empty
        case tooLarge(bytes: Int, limit: Int)
        case tooDeep(limit: Int)
        case tooManyValues(limit: Int)
        case duplicateKey(String)
        /// Below -2^63 or above 2^63-1.
        case integerOutOfRange(String)
        /// Larger than the largest double.
        case realOutOfRange(String)
        case invalidUTF8
        /// A raw NUL byte; in a string it must be written `\u0000`.
        case nulByte
        /// U+0000 inside an object's key (allowed in string values).
        case nulInKey
        case outOfMemory
        /// Any other offence against the grammar, in the parser's words.
        case syntax(String)
    }

    /// Longest excerpt in characters.
    public static let excerptLength = 40

    /// What is wrong.
    public let reason: Reason
    /// Byte at which reading stopped: just behind the offending token, counted from 0.
    public let byteOffset: Int
    /// Line of `byteOffset`, counted from 1.
    public let line: Int
    /// Character of the line at which reading stopped, counted from 1.
    public let column: Int

    /// The reason with its place.
    public var description: String {
        switch reason {
        case .empty, .tooLarge: reason.description
        default: "\(reason) at line \(line), column \(column) (byte \(byteOffset))"
        }
    }
}

extension JSONError.Reason: CustomStringConvertible {
    /// One sentence without the place.
    public var description: String {
        switch self {
        case .empty: "the text is empty, a JSON value is expected"
        case .tooLarge(let bytes, let limit): "the text has \(bytes) bytes, at most \(limit) are allowed"
        case .tooDeep(let limit): "arrays and objects are nested more than \(limit) deep"
        case .tooManyValues(let limit): "the text has more than \(limit) values"
        case .duplicateKey(let key): "the key \"\(key)\" occurs twice in one object"
        case .integerOutOfRange(let number):
            "the integer \(number) is outside the range of 64 bits (-2^63 to 2^63-1)"
        case .realOutOfRange(let number): "the number \(number) is too large for a double"
        case .invalidUTF8: "the text is not valid UTF-8"
        case .nulByte: "the text contains a raw NUL byte"
        case .nulInKey: "a key contains U+0000, which is allowed in values only"
        case .outOfMemory: "there is not enough memory to parse the text"
        case .syntax(let text): text
        }
    }
}
