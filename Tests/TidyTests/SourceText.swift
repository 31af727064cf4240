/// Swift or C source with comments and the contents of string literals blanked, so that rules see only code. Line
/// breaks stay where they are.
struct SourceText {
    /// Code alone, one element per line.
    let code: [[UInt8]]
    /// The lines as they are in the file.
    let lines: [Substring]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var scanner = Scanner(bytes: Array(text.utf8))
        scanner.scanCode(until: nil)
        code = scanner.output.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    }

    /// A recursive reader: code may hold strings, strings may hold interpolated code.
    private struct Scanner {
        let bytes: [UInt8]
        var position = 0
        var output: [UInt8] = []

        init(bytes: [UInt8]) {
            self.bytes = bytes
            output.reserveCapacity(bytes.count)
        }

        func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
            var index = position + offset
            for byte in String(describing: text).utf8 {
                guard index < bytes.count, bytes[index] == byte else { return false }
                index += 1
            }
            return true
        }

        mutating func keep() {
            output.append(bytes[position])
            position += 1
        }

        mutating func blank(_ count: Int = 1) {
            for _ in 0..<count where position < bytes.count {
                output.append(bytes[position] == 10 ? 10 : 32)
                position += 1
            }
        }

        /// Copies code up to the parenthesis that closes the interpolation, or to the end.
        mutating func scanCode(until close: UInt8?) {
            var depth = 0
            while position < bytes.count {
                let byte = bytes[position]
                if starts("//") {
                    while position < bytes.count, bytes[position] != 10 { blank() }
                } else if starts("/*") {
                    scanBlockComment()
                } else if byte == UInt8(ascii: "\"") {
                    scanString(hashes: 0)
                } else if byte == UInt8(ascii: "#"), let hashes = rawStringHashes() {
                    blank(hashes)
                    scanString(hashes: hashes)
                } else if byte == UInt8(ascii: "'"), let length = characterLiteralLength() {
                    blank(length)
                } else {
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") {
                        if close == byte, depth == 0 { return }
                        depth -= 1
                    }
                    keep()
                }
            }
        }

        mutating func scanBlockComment() {
            blank(2)
            while position < bytes.count, !starts("*/") { blank() }
            blank(2)
        }

        /// The number of `#` before a quotation mark at the position, or nil.
        func rawStringHashes() -> Int? {
            var index = position
            while index < bytes.count, bytes[index] == UInt8(ascii: "#") { index += 1 }
            return index < bytes.count && bytes[index] == UInt8(ascii: "\"") ? index - position : nil
        }

        /// Length of a C character literal at the position, or nil.
        func characterLiteralLength() -> Int? {
            let isEscaped = position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\\")
            for length in (isEscaped ? 4...6 : 3...3) {
                let end = position + length - 1
                if end < bytes.count, bytes[end] == UInt8(ascii: "'") { return length }
            }
            return nil
        }

        mutating func scanString(hashes: Int) {
            let isMultiline = starts("\"\"\"")
            blank(isMultiline ? 3 : 1)
            while position < bytes.count {
                if bytes[position] == UInt8(ascii: "\\"), hasHashes(hashes, at: position + 1) {
                    blank(1 + hashes)
                    guard position < bytes.count else { return }
                    if bytes[position] == UInt8(ascii: "(") {
                        keep()
                        scanCode(until: UInt8(ascii: ")"))
                        if position < bytes.count { keep() }
                    } else {
                        blank()
                    }
                } else if closes(isMultiline: isMultiline, hashes: hashes) {
                    blank((isMultiline ? 3 : 1) + hashes)
                    return
                } else if bytes[position] == 10, !isMultiline {
                    return
                } else {
                    blank()
                }
            }
        }

        func closes(isMultiline: Bool, hashes: Int) -> Bool {
            let length = isMultiline ? 3 : 1
            return (isMultiline ? starts("\"\"\"") : starts("\"")) && hasHashes(hashes, at: position + length)
        }

        func hasHashes(_ count: Int, at start: Int) -> Bool {
            (0..<count).allSatisfy { start + $0 < bytes.count && bytes[start + $0] == UInt8(ascii: "#") }
        }
    }
}
