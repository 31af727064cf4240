import Generation

@testable import Tokenization

/// SplitMix64: a test's randomness is a function of its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

/// Vocabularies of our own, small enough to reason about.
enum TinyVocabularies {
    /// `<unk> <s> </s>`, the byte tokens from id 3, then pieces by falling score.
    static func sentencePiece(_ pieces: [String], hasByteTokens: Bool = true) -> GGUFVocabulary {
        var tokens = ["<unk>", "<s>", "</s>"]
        var types: [Int32] = [2, 3, 3]
        var scores: [Float] = [0, 0, 0]
        if hasByteTokens {
            for byte in UInt8.min...UInt8.max {
                tokens.append("<0x\(hexadecimal(byte))>")
                types.append(6)
                scores.append(0)
            }
        }
        for (number, piece) in pieces.enumerated() {
            tokens.append(piece)
            types.append(1)
            scores.append(-Float(number))
        }
        var vocabulary = GGUFVocabulary(model: "llama", tokens: tokens.map { Array($0.utf8) })
        vocabulary.types = types
        vocabulary.scores = scores
        vocabulary.bosToken = 1
        vocabulary.eosToken = 2
        vocabulary.unknownToken = 0
        return vocabulary
    }

    /// Pieces of `hello` and friends.
    static let hello = ["▁hello", "llo", "he", "▁he", "ll", "▁h", "▁", "h", "e", "l", "o", "w", "r", "d", "▁▁", "é"]

    /// `<|end|>`-like control tokens, the 256 bytes from id 2, then merges of two texts each.
    static func byteLevel(_ merges: [(String, String)]) -> GGUFVocabulary {
        var tokens = ["<|bos|>", "<|eos|>"].map { Array($0.utf8) }
        var types: [Int32] = [3, 3]
        tokens += (UInt8.min...UInt8.max).map { ByteAlphabet.text(of: $0) } + merges.map { Array(($0 + $1).utf8) }
        types += [Int32](repeating: 1, count: 256 + merges.count)
        var vocabulary = GGUFVocabulary(model: "gpt2", tokens: tokens)
        vocabulary.pre = "gpt-2"
        vocabulary.types = types
        vocabulary.merges = merges.map { Array("\($0) \($1)".utf8) }
        vocabulary.bosToken = 0
        vocabulary.eosToken = 1
        return vocabulary
    }

    /// `[UNK] [CLS] [SEP]`, then pieces of words as GGUF's "bert" has them.
    static func wordPiece() -> GGUFVocabulary {
        let texts = ["▁hello", "ing", "▁,", "▁cafe", "▁h", "el", "lo", "▁日", "▁ing", "▁"]
        var fields = plain("bert", [("[UNK]", 3), ("[CLS]", 3), ("[SEP]", 3)] + texts.map { ($0, 1) })
        (fields.unknownToken, fields.classToken, fields.separatorToken) = (0, 1, 2)
        return fields
    }

    /// `<unk> <bos>`, the byte tokens from id 2, then characters that merge from line to line.
    static func lines() -> GGUFVocabulary {
        let bytes = (UInt8.min...UInt8.max).map { ("<0x\(hexadecimal($0))>", Int32(6)) }
        let texts = ["▁", "a", "b", "▁a", "▁a▁", "ab", "\n", "\n\n"]
        var fields = plain("gemma4", [("<unk>", 2), ("<bos>", 3)] + bytes + texts.map { ($0, 1) })
        (fields.unknownToken, fields.bosToken) = (0, 1)
        fields.merges = ["a b", "▁ a", "▁a ▁"].map { Array($0.utf8) }
        return fields
    }

    private static func plain(_ model: String, _ tokens: [(text: String, type: Int32)]) -> GGUFVocabulary {
        var fields = GGUFVocabulary(model: model, tokens: tokens.map { Array($0.text.utf8) })
        fields.types = tokens.map(\.type)
        return fields
    }

    static let the = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("a", "a"), ("aa", "aa")]

    /// Id of a byte in `byteLevel`.
    static func byteID(_ character: Character) -> TokenID { TokenID(character.asciiValue ?? 0) + 2 }
}

extension Tokenizer {
    /// Texts of the tokens of a text, as the vocabulary stores them.
    func pieces(_ text: String, addSpecial: Bool = false, parseSpecial: Bool = false) -> [String] {
        encode(text, addSpecial: addSpecial, parseSpecial: parseSpecial).map {
            String(decoding: vocabulary.tokens[Int($0)], as: UTF8.self)
        }
    }
}
