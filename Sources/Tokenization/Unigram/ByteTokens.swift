internal import Generation

/// The byte tokens `<0x00>` to `<0xFF>` of a vocabulary: the way out for characters without a token.
struct ByteTokens: Sendable {
    /// 256 ids, nil for a byte without a token.
    private let tokens: [TokenID?]

    /// Control tokens do not count.
    init(vocabulary: Vocabulary, index: [[UInt8]: TokenID]) {
        tokens = (UInt8.min...UInt8.max).map { byte in
            index[Array("<0x\(hexadecimal(byte))>".utf8)].flatMap { vocabulary.isSpecial($0) ? nil : $0 }
        }
    }

    subscript(byte: UInt8) -> TokenID? { tokens[Int(byte)] }

    /// Whether each byte that UTF-8 text can contain has a token.
    var areComplete: Bool {
        (UInt8.min..<0xF5).allSatisfy { $0 == 0xC0 || $0 == 0xC1 || tokens[Int($0)] != nil }
    }

    /// Appends the tokens of bytes; false, and nothing appended, where one of them has none.
    func append(_ bytes: ArraySlice<UInt8>, to result: inout [TokenID]) -> Bool {
        let start = result.count
        for byte in bytes {
            guard let token = tokens[Int(byte)] else {
                result.removeLast(result.count - start)
                return false
            }
            result.append(token)
        }
        return true
    }
}
