internal import Generation

/// How a word becomes the symbols that merging starts from.
enum Alphabet: Sendable {
    /// One symbol for each byte (byte-level BPE).
    case bytes(ByteSymbols)
    /// One symbol for each character, with a way out for those without a token.
    case characters(CharacterSymbols)

    /// Whether some text becomes no symbol at all.
    var dropsText: Bool {
        switch self {
        case .bytes(let bytes): bytes.dropsSome
        case .characters: false
        }
    }

    /// Whether no text becomes the unknown token.
    var knowsAllText: Bool {
        switch self {
        case .bytes: false
        case .characters(let characters): characters.hasAllByteTokens
        }
    }
}

/// The token of each byte.
struct ByteSymbols: Sendable {
    /// Marks a byte without a token.
    static let dropped: Int32 = -1

    /// 256 symbols. A byte without a token of its own has the unknown token or is dropped, as its model was trained:
    /// Falcon, for one, has no tokens for most control characters.
    private let symbols: [Int32]

    /// Looks each byte up under its character in GPT-2's alphabet; printable ASCII must be there.
    init(vocabulary: Vocabulary, index: [[UInt8]: TokenID]) throws(TokenizerError) {
        var symbols: [Int32] = []
        for byte in UInt8.min...UInt8.max {
            if let id = index[ByteAlphabet.text(of: byte)], !vocabulary.isSpecial(id) {
                symbols.append(id)
            } else if let unknown = vocabulary.unknownForText {
                symbols.append(unknown)
            } else {
                guard !(0x20...0x7E).contains(byte) else { throw .missingByte(byte) }
                symbols.append(Self.dropped)
            }
        }
        self.symbols = symbols
    }

    /// Whether there are bytes without a symbol.
    var dropsSome: Bool { symbols.contains(Self.dropped) }

    /// Appends the symbol of one byte.
    func append(_ byte: UInt8, to word: inout [Int32]) {
        let symbol = symbols[Int(byte)]
        if symbol != Self.dropped { word.append(symbol) }
    }
}

/// The token of each character, byte tokens `<0x0A>` and the unknown token for the rest.
struct CharacterSymbols: Sendable {
    private let characters: [Unicode.Scalar: Int32]
    /// The same for U+0000 to U+007F; -1 where there is none.
    private let ascii: [Int32]
    /// 256 byte tokens, or empty when bytes are not a way out.
    private let byteTokens: [TokenID?]
    private let unknown: TokenID?
    /// Characters behind the symbols past the vocabulary (see `SentencePieceMerges`).
    private let extraCharacters: [Unicode.Scalar]
    private let vocabularySize: Int

    /// `characters` maps to tokens or, past the vocabulary, into `extraCharacters`.
    init(
        characters: [Unicode.Scalar: Int32], extraCharacters: [Unicode.Scalar], usesByteTokens: Bool,
        vocabulary: Vocabulary, index: [[UInt8]: TokenID]
    ) throws(TokenizerError) {
        self.characters = characters
        self.extraCharacters = extraCharacters
        ascii = (0..<0x80).map { characters[Unicode.Scalar(UInt8($0))] ?? -1 }
        vocabularySize = vocabulary.tokens.count
        unknown = vocabulary.unknownForText
        byteTokens =
            usesByteTokens
            ? (UInt8.min...UInt8.max).map { byte in
                index[Array("<0x\(hexadecimal(byte))>".utf8)].flatMap { vocabulary.isSpecial($0) ? nil : $0 }
            } : []
        guard unknown == nil else { return }
        // Bytes that no UTF-8 text contains need no token.
        for byte in UInt8.min..<0xF5 where byte != 0xC0 && byte != 0xC1 {
            guard usesByteTokens, byteTokens[Int(byte)] != nil else { throw .missingByte(byte) }
        }
    }

    /// Tokens of a single character that text may become.
    static func singleCharacters(of vocabulary: Vocabulary) -> [Unicode.Scalar: Int32] {
        var characters: [Unicode.Scalar: Int32] = [:]
        for (id, text) in vocabulary.tokens.enumerated() where text.count <= 4 {
            guard vocabulary.types[id] == .normal || vocabulary.types[id] == .userDefined,
                let character = String(validating: text, as: UTF8.self)?.unicodeScalars, character.count == 1,
                let scalar = character.first
            else { continue }
            characters[scalar] = Int32(id)
        }
        return characters
    }

    /// Whether each character without a token has its bytes as a way out.
    var hasAllByteTokens: Bool {
        !byteTokens.isEmpty
            && (UInt8.min..<0xF5).allSatisfy { $0 == 0xC0 || $0 == 0xC1 || byteTokens[Int($0)] != nil }
    }

    /// Appends the symbols of one character.
    func append(_ character: Unicode.Scalar, to symbols: inout [Int32]) {
        let symbol = character.isASCII ? ascii[Int(character.value)] : (characters[character] ?? -1)
        if symbol >= 0 { symbols.append(symbol) } else { appendFallback(character, to: &symbols) }
    }

    /// Appends the tokens of a merged symbol: itself, or its character's bytes when it is past the vocabulary.
    func appendTokens(of symbol: Int32, to tokens: inout [TokenID]) {
        let extra = Int(symbol) - vocabularySize
        if extra < 0 { tokens.append(symbol) } else { appendFallback(extraCharacters[extra], to: &tokens) }
    }

    private func appendFallback(_ character: Unicode.Scalar, to symbols: inout [Int32]) {
        let start = symbols.count
        if !byteTokens.isEmpty {
            for byte in UTF8.encode(character) ?? UTF8.encodedReplacementCharacter {
                if let token = byteTokens[Int(byte)] { symbols.append(token) }
            }
            if symbols.count - start == UTF8.width(character) { return }
            symbols.removeLast(symbols.count - start)
        }
        if let unknown { symbols.append(unknown) }
    }
}
