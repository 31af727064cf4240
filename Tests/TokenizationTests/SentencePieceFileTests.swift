import Foundation
import JSON
import Testing

@testable import Tokenization

/// `tokenizer.model`: what it holds and how it may be broken.
@Suite struct SentencePieceFileTests {
    /// A protocol buffer field.
    static func field(_ number: Int, _ wire: Int, _ payload: [UInt8]) -> [UInt8] {
        let low = UInt8(number << 3 & 0x7F | wire)
        return (number > 15 ? [low | 0x80, UInt8(number >> 4)] : [low])
            + (wire == 2 ? [UInt8(payload.count)] : []) + payload
    }

    /// A piece with its score as `Float` bits and its type.
    static func piece(_ text: String, _ score: Float, _ type: UInt8) -> [UInt8] {
        let bits = (0..<4).map { UInt8(score.bitPattern >> UInt32(8 * $0) & 0xFF) }
        return field(1, 2, field(1, 2, Array(text.utf8)) + field(2, 5, bits) + field(3, 0, [type]))
    }

    private static let pieces =
        piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("▁", -2, 1) + piece("a", -1, 1)
        + piece("b", -1.5, 1) + piece("ab", -2, 1) + piece("▁ab", -3, 1)

    private func tokenizer(_ bytes: [UInt8], config: JSONObject? = nil) throws(TokenizerError) -> Tokenizer {
        try Tokenizer(sentencePieceModel: bytes, tokenizerConfig: config, generationConfig: nil)
    }

    @Test func unigramTakesTheMostProbableSegmentation() throws {
        let tokenizer = try tokenizer(Self.pieces)
        #expect(tokenizer.pieces("ab ab") == ["▁ab", "▁ab"])
        #expect(tokenizer.pieces("  aab  ") == ["▁", "a", "ab"])
        #expect(tokenizer.pieces("xxa") == ["▁", "<unk>", "a"])
        #expect(tokenizer.bosToken == 1 && tokenizer.eosTokens == [2])
        #expect(tokenizer.encode("a", addSpecial: true, parseSpecial: false).last == 2)
        #expect(tokenizer.decode([7, 7], skipSpecial: true, stripsLeadingSpace: true) == "ab ab")
    }

    /// However improbable the rest makes it: SentencePiece gives it more than certainty.
    @Test func aUserDefinedTokenBeatsProbabilities() throws {
        let tokenizer = try tokenizer(Self.pieces + Self.piece("a▁b", 0, 4))
        #expect(tokenizer.pieces("a b") == ["▁", "a▁b"])
        #expect(tokenizer.pieces("aab bab") == ["▁", "a", "ab", "▁", "b", "ab"])
    }

    /// Sums begin anew now and then: at minus two million, single precision does not tell 20 from 20.02.
    @Test func longTextsLoseNoPrecision() throws {
        let pieces =
            Self.piece("<unk>", 0, 2) + Self.piece("▁", -1, 1) + Self.piece("a", -10, 1) + Self.piece("b", -10, 1)
            + Self.piece("ab", -20.02, 1)
        let text = String(repeating: "ab", count: 100_000)
        let tokens = try tokenizer(pieces).encode(text, addSpecial: false, parseSpecial: false)
        #expect(tokens.count == 200_001)
        #expect(!tokens.contains(4))
    }

    @Test func decodingStripsWhatEncodingWouldNotKeep() throws {
        let spaced = Self.pieces + Self.piece("▁x▁", 0, 4)
        #expect(try tokenizer(spaced).decode([3, 3, 3, 4, 8], skipSpecial: true, stripsLeadingSpace: true) == "a x ")
        #expect(try tokenizer(spaced).decode([8, 4], skipSpecial: true, stripsLeadingSpace: true) == "x a")
        let keeping = spaced + Self.field(3, 2, Self.field(4, 0, [0]))
        #expect(try tokenizer(keeping).decode([3, 3, 4], skipSpecial: true, stripsLeadingSpace: true) == " a")
        #expect(try tokenizer(spaced).decode([3, 4], skipSpecial: true) == " a")
    }

    @Test func normalizerSettingsAreKept() throws {
        let plain = Self.field(3, 2, Self.field(3, 0, [0]) + Self.field(4, 0, [0]))
        #expect(try tokenizer(Self.pieces + plain).pieces(" a ") == ["▁", "a", "▁"])
        let suffix = Self.field(2, 2, Self.field(24, 0, [1]))
        #expect(try tokenizer(Self.pieces + suffix).pieces("a a") == ["a", "▁", "a", "▁"])
    }

    @Test func theFolderAddsTokensAndDecidesAboutBOS() throws {
        let config: JSONValue = [
            "add_bos_token": true, "add_eos_token": false,
            "added_tokens_decoder": [
                "9": ["content": "<end>", "special": true], "8": ["content": "xx", "special": false],
            ],
        ]
        let tokenizer = try tokenizer(Self.pieces, config: config.asObject)
        #expect(tokenizer.vocabularySize == 10 && tokenizer.isSpecial(9))
        #expect(tokenizer.encode("axx<end>", addSpecial: true, parseSpecial: true) == [1, 3, 4, 8, 9])
        #expect(!tokenizer.encode("<end>", addSpecial: false, parseSpecial: false).contains(9))
    }

    @Test(
        arguments: [
            ([0xFF], "cut off"), ([0x0A, 0x7F, 0x00], "127 bytes"), ([0x0F], "wire type 7"),
            ([0x02, 0x00], "field number 0"),
            ([0x08, 0x01], "wrong wire type"), ([], "no tokens"),
            (Array(repeating: 0xFF, count: 11), "ten bytes"), (piece("a", 0, 9), "pieces[0].type"),
            (pieces + field(2, 2, field(3, 0, [3])), "trainer_spec.model_type"),
            (pieces + field(3, 2, field(2, 2, [1, 2])), "normalizer_spec.precompiled_charsmap"),
            (pieces + piece("a", 0, 1), "the same text"), (pieces + piece("", 0, 1), "has no text"),
            (piece("a", 0, 1), "unknown token"),
        ] as [([UInt8], String)])
    func aBrokenFileIsRefusedWithThePlace(bytes: [UInt8], words: String) {
        do {
            _ = try tokenizer(bytes)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(words), "\(error)")
        }
    }

    @Test(arguments: [
        ("YQ== 0\nYg== 1\nYWI= 2\n", ""), ("YQ==", "line 1"), ("YQ== 0\n? 1", "line 2"), ("YQ== 0\nYg== 0", "taken"),
        ("YQ== 0\nYQ== 1", "twice"), ("YQ== 999", "too large"), ("", "no tokens"),
    ])
    func ranksAreReadLineByLine(text: String, words: String) {
        do {
            let ranks = try TiktokenRanks(Array(text.utf8))
            #expect(words == "" && ranks.tokens == [[0x61], [0x62], [0x61, 0x62]])
        } catch {
            #expect(error.description.contains(words) && !words.isEmpty, "\(error)")
        }
    }

    @Test func aRankFileOfUnknownSizeAsksForItsPatterns() throws {
        let lines = (0..<256).map { byte in "\(Data([UInt8(byte)]).base64EncodedString()) \(byte)\n" }
        let bytes = Array((lines.joined() + "YWE= 256\nYWFh 257\n").utf8)
        #expect(TiktokenRanks.areLikely(bytes))
        func make(_ pre: String?) throws(TokenizerError) -> Tokenizer {
            try Tokenizer(tiktokenRanks: bytes, pre: pre, tokenizerConfig: nil, generationConfig: nil)
        }
        #expect(throws: TokenizerError.self) { try make(nil) }
        // The whole word is a token; of the pairs the lowest rank goes first, the leftmost of equal ones.
        #expect(try make("gpt-2").encode("aaa aaaa", addSpecial: false, parseSpecial: false) == [257, 32, 256, 256])
    }
}
