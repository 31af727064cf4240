import Generation
import Tokenization

/// A vocabulary of 300 entries: specials, all bytes, and a few words that make stop strings and split characters
/// likely.
enum TinyVocabulary {
    static let unknown: TokenID = 0
    static let bos: TokenID = 1
    static let eos: TokenID = 2
    static let endOfTurn: TokenID = 3
    static let firstByte: TokenID = 4
    static let firstWord: TokenID = 260
    static let words = [
        "a", "b", "EN", "D", "END", " the", " cat", "S", "TO", "P", "STOP", ".", "\n", "é", "ü", "ß", "🦊", "\n\nHuman",
        ":", " ", "xy", "yx", "xyx", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "long word", "E", "N", "ENDE",
        "T", "O", "OP",
    ]
    static let size = Int(firstWord) + words.count

    static func byte(_ value: UInt8) -> TokenID { firstByte + TokenID(value) }

    static func word(_ text: String) -> TokenID {
        guard let index = words.firstIndex(of: text) else { preconditionFailure("\(text) is not in the vocabulary") }
        return firstWord + TokenID(index)
    }

    /// Made once for all tests.
    static let shared = Result { try makeTokenizer() }

    static func tokenizer() throws -> Tokenizer { try shared.get() }

    private static func makeTokenizer() throws -> Tokenizer {
        let specials = ["<unk>", "<s>", "</s>", "<|end|>"]
        let digits = Array("0123456789ABCDEF")
        let bytes = (0..<256).map { "<0x\(digits[$0 / 16])\(digits[$0 % 16])>" }
        let stored = words.map { $0.replacing(" ", with: "\u{2581}") }
        var fields = GGUFVocabulary(model: "llama", tokens: (specials + bytes + stored).map { Array($0.utf8) })
        fields.scores = (0..<size).map { -Float($0) }
        // GGUF's numbers: 2 unknown, 3 control, 6 byte, 1 normal.
        fields.types = [2, 3, 3, 3] + bytes.map { _ in 6 } + stored.map { _ in 1 }
        fields.bosToken = Int(bos)
        fields.eosToken = Int(eos)
        fields.endTokens = [Int(endOfTurn)]
        fields.unknownToken = Int(unknown)
        return try Tokenizer(fields)
    }
}
