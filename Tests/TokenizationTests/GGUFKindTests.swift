import Generation
import Testing

@testable import Tokenization

/// Kinds of `tokenizer.ggml.model` beside SentencePiece's and byte-level ones.
@Suite struct GGUFKindTests {
    @Test func wordPiecesBeginWordsWithTheMark() throws {
        let tokenizer = try Tokenizer(TinyVocabularies.wordPiece())
        #expect(tokenizer.pieces("Helloing, ing") == ["▁hello", "ing", "▁,", "▁ing"])
        #expect(tokenizer.pieces("CAFÉ日hello") == ["▁cafe", "▁日", "▁hello"])
        #expect(tokenizer.pieces("hello▁ing ▁") == ["▁hello", "▁", "ing", "[UNK]"])
        #expect(tokenizer.pieces("lo hex") == ["[UNK]", "[UNK]"])
        #expect(tokenizer.pieces("hello", addSpecial: true) == ["[CLS]", "▁hello", "[SEP]"])
        #expect(tokenizer.pieces("[CLS]", parseSpecial: true) == ["[CLS]"])
        let ids = tokenizer.encode("hello, heling", addSpecial: false, parseSpecial: false)
        #expect(tokenizer.decode(ids, skipSpecial: true, stripsLeadingSpace: true) == "hello, heling")
    }

    @Test func wordPiecesKeepCaseAndAccentsWhereTheFileSaysSo() throws {
        var fields = TinyVocabularies.wordPiece()
        (fields.lowercases, fields.stripsAccents, fields.addBOS, fields.addSeparator) = (false, false, false, false)
        #expect(try Tokenizer(fields).pieces("Hello café hello", addSpecial: true) == ["[UNK]", "[UNK]", "▁hello"])
    }

    @Test func bertsIDsAreTakenWhereTheFileNamesNone() {
        var fields = TinyVocabularies.wordPiece()
        fields.classToken = nil
        #expect(
            throws: TokenizerError.tokenOutOfRange(
                field: "tokenizer.ggml.bos_token_id", id: 101, vocabularySize: 13)
        ) { try Tokenizer(fields) }
    }

    @Test(arguments: ["gemma4", "sarvam-moe"])
    func charactersMergeFromLineToLine(name: String) throws {
        var fields = TinyVocabularies.lines()
        if name != "gemma4" { (fields.model, fields.pre) = ("gpt2", name) }
        let tokenizer = try Tokenizer(fields)
        #expect(tokenizer.pieces(" a ab\té") == ["▁a▁", "ab", "<0x09>", "<0xC3>", "<0xA9>"])
        // A run of line breaks is one token for Gemma alone.
        #expect(tokenizer.pieces("a\n\nb") == (name == "gemma4" ? ["a", "\n\n", "b"] : ["a", "\n", "\n", "b"]))
        let ids = tokenizer.encode(" a ab\té\n\nb", addSpecial: false, parseSpecial: false)
        #expect(tokenizer.decode(ids, skipSpecial: true) == " a ab\té\n\nb")
    }

    @Test(arguments: [
        ("kimi-k2", "漢字Don't漢x1234", ["漢字", "Don't", "漢", "x", "123", "4"]),
        ("youtu", "한국어！漢字Ab12", ["한국어", "！", "漢字", "Ab", "1", "2"]),
        ("afmoe", "x12345日本 y", ["x", "12", "345", "日本", " y"]),
        ("spark2_5", "a!\nb1234", ["a", "!", "\n", "b", "1", "2", "3", "4"]),
    ])
    func publishedPatternsSplitAsTheySay(name: String, text: String, wanted: [String]) throws {
        var pieces = TextPieces(Array(text.utf8))
        for step in try PreTokenizerPatterns.steps(named: name) { step.apply(to: &pieces, isTextStart: true) }
        #expect(pieces.ranges.map { String(decoding: pieces.text[$0], as: UTF8.self) } == wanted)
    }
}
