/// Keeps what clients send from forging log lines or driving the terminal that shows them.
enum LogEscaping {
    /// Replaces what could start a new line, move the cursor or reorder the text: C0 and C1 controls, DEL, the line and
    /// paragraph separators and the bidirectional controls. `"` and `\` are escaped too, so that the result can stand
    /// between quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isUnsafe(scalar): result += "\\u" + hexadecimal(scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `text` between quotes, as a JSON string.
    static func quoted(_ text: String) -> String {
        "\"\(escaped(text))\""
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069, 0x200E...0x200F, 0xFEFF: true
        default: false
        }
    }

    /// Four hexadecimal digits; every unsafe scalar is in the basic plane.
    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
