public import Generation

/// Turns tokens into text as they come. Half a UTF-8 character is held back until its rest arrives; bytes that cannot
/// become a character are one U+FFFD for each maximal subpart, as in decoding the whole (WHATWG Encoding, Unicode 3.9).
/// The pieces and `finish()` joined are exactly `Tokenizer.decode` of all tokens.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecial: Bool
    private var stripped: LeadingSpaces
    private var held: [UInt8] = []

    /// `stripsLeadingSpace` drops a space at the very start, if this tokenizer puts one there when encoding. Ask for
    /// it when the tokens are a text of their own; not when they continue a prompt.
    public init(_ tokenizer: Tokenizer, skipSpecial: Bool, stripsLeadingSpace: Bool = false) {
        self.tokenizer = tokenizer
        self.skipSpecial = skipSpecial
        stripped = stripsLeadingSpace ? tokenizer.leadingSpaces : .none
    }

    /// The text that is complete with this token; may be empty.
    public mutating func append(_ token: TokenID) -> String {
        if skipSpecial, tokenizer.isSpecial(token) { return "" }
        var bytes = tokenizer.bytes(of: token)[...]
        if stripped != .none, let first = bytes.first {
            if first == UInt8(ascii: " "), !tokenizer.isByte(token) { bytes.removeFirst() }
            if stripped == .theFirst || !bytes.isEmpty { stripped = .none }
        }
        held += bytes
        let complete = held.count - UTF8Tail.incompleteByteCount(held)
        defer { held.removeFirst(complete) }
        return String(decoding: held[..<complete], as: UTF8.self)
    }

    /// What was held back: U+FFFD for the beginning of a character that never ended, or nothing.
    public mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }
}

/// Which spaces at the start of a decoded text are not the text's own.
enum LeadingSpaces: Sendable {
    case none, theFirst
    /// One of each token until there is text.
    case everyTokens
}

/// The end of a byte sequence that may be the beginning of a character.
enum UTF8Tail {
    /// Length, 0 to 3, of the trailing bytes that begin a well-formed character and lack its rest (Unicode table 3-7).
    static func incompleteByteCount(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let lead = bytes[bytes.count - length]
            if lead & 0xC0 == 0x80 { continue }
            guard length < width(lead) else { return 0 }
            if length > 1, !secondBytes(lead).contains(bytes[bytes.count - length + 1]) { return 0 }
            return length
        }
        return 0
    }

    /// Bytes in the character that `lead` begins; 1 for bytes that begin none.
    private static func width(_ lead: UInt8) -> Int {
        switch lead {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    private static func secondBytes(_ lead: UInt8) -> ClosedRange<UInt8> {
        switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}
