/// A GGUF metadata value. Widths are folded: every unsigned type is `uint`, every signed one `int`, both floats
/// `float`.
public enum GGUFValue: Sendable, Equatable {
    case uint(UInt64)
    case int(Int64)
    case float(Double)
    case bool(Bool)
    case string(GGUFString)
    case array(GGUFArray)

    /// The value as an integer, where it is one that fits.
    public var integer: Int? {
        switch self {
        case .uint(let value): Int(exactly: value)
        case .int(let value): Int(exactly: value)
        default: nil
        }
    }
}

/// The bytes of a GGUF string. Vocabularies hold single bytes of longer characters, so they need not be UTF-8.
public struct GGUFString: Sendable, Hashable {
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The text, or nil where the bytes are not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }
}
