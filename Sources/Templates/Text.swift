/// Text whose characters know where they come from: from the template, or from what the client sent.
///
/// A character is a Unicode scalar, as in Python. Operations copy characters, so where each came from survives slicing,
/// trimming, joining and case mapping without further care.
struct Text: Sendable {
    /// Scalar values; `sent` is set in those that come from the client.
    var units: [UInt32]
    /// Marked as HTML by `safe` or `escape`. As in jinja2, plain text that is added to such a text is escaped, even
    /// where nothing else is.
    var isMarkup = false

    /// The bit of a unit that says: not from the template.
    static let sent: UInt32 = 1 << 31

    init(units: [UInt32] = []) { self.units = units }

    init(units: ArraySlice<UInt32>) { self.units = Array(units) }

    /// A text of the template.
    init(_ text: some StringProtocol) { units = text.unicodeScalars.map(\.value) }

    init(_ text: String, isSent: Bool) {
        let mark = isSent ? Self.sent : 0
        units = text.unicodeScalars.map { $0.value | mark }
    }

    var count: Int { units.count }

    /// Whether any character comes from the client.
    var hasSent: Bool { units.contains { $0 & Self.sent != 0 } }

    /// All of it as the client's: for texts that a client's format made, where it cannot be told what came from where.
    var asSent: Text { Text(units: units.map { $0 | Self.sent }) }

    var isEmpty: Bool { units.isEmpty }

    /// The plain text.
    var string: String {
        var scalars = String.UnicodeScalarView()
        for unit in units { scalars.append(Self.scalar(unit)) }
        return String(scalars)
    }

    /// The scalar of a unit.
    static func scalar(_ unit: UInt32) -> Unicode.Scalar { Unicode.Scalar(unit & ~sent) ?? "\u{FFFD}" }

    static func + (left: Text, right: Text) -> Text { Text(units: left.units + right.units) }

    /// As HTML, with the five characters escaped that mean something there.
    var markup: Text {
        guard !isMarkup else { return self }
        var result = Text()
        result.isMarkup = true
        for unit in units {
            let replacement: String? =
                switch Self.scalar(unit) {
                case "&": "&amp;"
                case "<": "&lt;"
                case ">": "&gt;"
                case "'": "&#39;"
                case "\"": "&#34;"
                default: nil
                }
            if let replacement {
                result.units += replacement.unicodeScalars.map { $0.value | unit & Self.sent }
            } else {
                result.units.append(unit)
            }
        }
        return result
    }

    /// Whether the characters are those of `text`, wherever they come from.
    func spells(_ text: StaticString) -> Bool { string == "\(text)" }

    static func same(_ left: UInt32, _ right: UInt32) -> Bool { (left ^ right) & ~sent == 0 }
}

/// Equality and order are those of the characters, wherever they come from.
extension Text: Equatable, Comparable {
    static func == (left: Text, right: Text) -> Bool {
        left.count == right.count && left.units.elementsEqual(right.units, by: same)
    }

    static func < (left: Text, right: Text) -> Bool {
        left.units.lexicographicallyPrecedes(right.units) { $0 & ~sent < $1 & ~sent }
    }
}

/// White space as Python's `str.isspace` has it.
extension Text {
    static func isSpace(_ unit: UInt32) -> Bool { isSpace(scalar(unit)) }

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// Ends of lines as `str.splitlines` has them; a carriage return and a line feed together are one.
    static func isLineEnd(_ unit: UInt32) -> Bool {
        switch unit & ~sent {
        case 10...13, 28...30, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
