internal import CJansson

extension JSONError {
    /// Line and column are counted here, once, so that all reasons count them alike.
    init(reason: Reason, at offset: Int, of text: UnsafeRawBufferPointer) {
        let end = min(max(offset, 0), text.count)
        var line = 1
        var column = 1
        for index in 0..<end {
            let byte = unsafe text[index]
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.reason = reason
        self.byteOffset = end
        self.line = line
        self.column = column
    }

    /// The library's report, with its position checked and its excerpt kept short.
    init(_ failure: json_error_t, in text: UnsafeRawBufferPointer) {
        let offset = min(max(Int(failure.position), 0), text.count)
        let reason: Reason
        var copy = failure
        switch unsafe json_error_code(&copy) {
        case json_error_duplicate_key: reason = unsafe .duplicateKey(keyEnding(at: offset, of: text))
        case json_error_numeric_overflow:
            let number = unsafe numberEnding(at: offset, of: text)
            let isReal = number.utf8.contains { ".eE".utf8.contains($0) }
            reason = isReal ? .realOutOfRange(shortened(number)) : .integerOutOfRange(shortened(number))
        case json_error_invalid_utf8: reason = .invalidUTF8
        case json_error_null_byte_in_key: reason = .nulInKey
        case json_error_out_of_memory: reason = .outOfMemory
        default: reason = .syntax(message(of: failure))
        }
        self = unsafe JSONError(reason: reason, at: offset, of: text)
    }
}

/// jansson's message. Its `near '…'` excerpt has at most 20 bytes.
private func message(of failure: json_error_t) -> String {
    unsafe withUnsafeBytes(of: failure.text) { text in
        unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The raw text between the quotes of the string that ends before `offset`.
private func keyEnding(at offset: Int, of text: UnsafeRawBufferPointer) -> String {
    let end = max(offset - 1, 0)
    var start = end
    while start > 0 {
        let isQuote = unsafe text[start - 1] == UInt8(ascii: "\"")
        if isQuote, unsafe backslashes(before: start - 1, in: text).isMultiple(of: 2) { break }
        start -= 1
    }
    return shortened(unsafe String(decoding: text[start..<end], as: UTF8.self))
}

private func backslashes(before offset: Int, in text: UnsafeRawBufferPointer) -> Int {
    var start = offset
    while start > 0, unsafe text[start - 1] == UInt8(ascii: "\\") { start -= 1 }
    return offset - start
}

private func numberEnding(at offset: Int, of text: UnsafeRawBufferPointer) -> String {
    let characters = "+-.0123456789eE".utf8
    var start = offset
    while start > 0, unsafe characters.contains(text[start - 1]) { start -= 1 }
    return unsafe String(decoding: text[start..<offset], as: UTF8.self)
}

private func shortened(_ text: String) -> String {
    let limit = JSONError.excerptLength
    return text.count <= limit ? text : "\(text.prefix(limit - 1))…"
}
