import Generation
import Testing

@testable import Tokenization

@Suite struct DetokenizerTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try Tokenizer(TinyVocabularies.byteLevel(TinyVocabularies.the)) }

    private func tokens(_ bytes: [UInt8]) -> [TokenID] { bytes.map { TokenID($0) + 2 } }

    @Test func halfACharacterWaitsForItsRest() {
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: true)
        let pieces = tokens(Array("é🚀".utf8)).map { detokenizer.append($0) }
        #expect(pieces == ["", "é", "", "", "", "🚀"])
        #expect(detokenizer.finish() == "")
    }

    @Test func whatNeverBecomesACharacterIsReplaced() {
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: true)
        #expect(tokens([0xE2, 0x82, 0x41]).map { detokenizer.append($0) } == ["", "", "\u{FFFD}A"])
        #expect(tokens([0xF0, 0x9F]).map { detokenizer.append($0) } == ["", ""])
        #expect(detokenizer.finish() == "\u{FFFD}")
        #expect(detokenizer.finish() == "")
    }

    @Test func skippedTokensDoNotPartACharacter() {
        let ids = [TokenID(0xC3) + 2, 0, TokenID(0xA9) + 2]
        #expect(tokenizer.decode(ids, skipSpecial: true) == "é")
        #expect(tokenizer.decode(ids, skipSpecial: false) == "\u{FFFD}<|bos|>\u{FFFD}")
    }

    /// Bytes around every border of UTF-8's table: pieces joined are the text of the whole, and no piece but the last
    /// ends within a character.
    @Test(arguments: UInt64(0)..<50)
    func piecesJoinToTheWhole(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<100 {
            let whole = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                bytes.randomElement(using: &generator) ?? 0
            }
            var detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: true)
            var joined = tokens(whole).map { detokenizer.append($0) }.joined()
            joined += detokenizer.finish()
            guard Array(joined.utf8) == Array(String(decoding: whole, as: UTF8.self).utf8) else {
                Issue.record("seed \(seed): \(whole) became \(joined.debugDescription)")
                return
            }
        }
    }

    /// The replacement characters of a few sequences, counted by hand from Unicode's table 3-8.
    @Test(arguments: [
        ([0xC0, 0xAF] as [UInt8], 2), ([0xE0, 0x9F, 0x80], 3), ([0xED, 0xA0, 0x80], 3), ([0xF4, 0x91, 0x92, 0x93], 4),
        ([0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF], 4), ([0xF0, 0x9F, 0x92], 1), ([0xFF, 0xFE], 2),
    ])
    func eachMaximalSubpartIsOneReplacement(bytes: [UInt8], count: Int) {
        #expect(tokenizer.decode(tokens(bytes), skipSpecial: true) == String(repeating: "\u{FFFD}", count: count))
    }

    @Test func leadingSpaceIsStrippedOnlyWhereAskedAndOnlyOnce() throws {
        let tokenizer = try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello))
        let ids = tokenizer.encode(" hello hello", addSpecial: true, parseSpecial: false)
        #expect(tokenizer.decode(ids, skipSpecial: true, stripsLeadingSpace: true) == " hello hello")
        #expect(tokenizer.decode(ids, skipSpecial: true) == "  hello hello")
        #expect(tokenizer.decode(ids, skipSpecial: false, stripsLeadingSpace: true) == "<s>  hello hello")
    }
}
