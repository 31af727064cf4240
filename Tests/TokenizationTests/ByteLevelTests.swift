import Generation
import Testing

@testable import Tokenization

@Suite struct ByteLevelTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try Tokenizer(TinyVocabularies.byteLevel(TinyVocabularies.the)) }

    @Test func alphabetIsABijection() {
        #expect(Set(ByteAlphabet.characters).count == 256)
        for byte in UInt8.min...UInt8.max where ByteAlphabet.decode(ByteAlphabet.text(of: byte)) != [byte] {
            Issue.record("byte \(byte) does not come back")
        }
        #expect(ByteAlphabet.text(of: 0x20) == Array("Ġ".utf8) && ByteAlphabet.text(of: 0x0A) == Array("Ċ".utf8))
        #expect(ByteAlphabet.decode(Array("日".utf8)) == nil)
    }

    @Test func wordsMergeByRank() {
        #expect(tokenizer.pieces("the the") == ["t", "he", "Ġthe"])
        #expect(tokenizer.pieces("aaaaaaa") == ["aaaa", "aa", "a"])
    }

    @Test func defaultsAddNeitherBosNorEos() throws {
        #expect(tokenizer.pieces("t", addSpecial: true) == ["t"])
        var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
        (fields.addBOS, fields.addEOS) = (true, true)
        #expect(try Tokenizer(fields).pieces("t", addSpecial: true) == ["<|bos|>", "t", "<|eos|>"])
    }

    @Test func aTokenOfHalfACharacterHasItsBytes() {
        let ids = tokenizer.encode("é", addSpecial: false, parseSpecial: false)
        #expect(ids.map { tokenizer.bytes(of: $0) } == [[0xC3], [0xA9]])
        #expect(tokenizer.decode(ids, skipSpecial: true) == "é")
        #expect(tokenizer.decode([ids[0]], skipSpecial: true) == "\u{FFFD}")
    }

    /// Falcon has no tokens for control characters; MPT and StarCoder call their EOS the unknown token.
    @Test func aByteWithoutATokenIsDroppedRatherThanEndingTheText() throws {
        var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
        fields.tokens[2 + 0x03] = Array("gone".utf8)
        for unknown in [nil, 0, 1] {
            fields.unknownToken = unknown
            #expect(try Tokenizer(fields).pieces("h\u{3}e") == ["h", "e"])
        }
    }

    @Test func brokenUTF8InputCountsAsReplacementCharacters() {
        let broken = tokenizer.encode([0x61, 0xFF], addSpecial: false, parseSpecial: false)
        #expect(broken == tokenizer.encode("a\u{FFFD}", addSpecial: false, parseSpecial: false))
    }

    @Test func unknownPreTokenizerNamesItselfAndTheKnownOnes() {
        var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
        fields.pre = "no-such-pre"
        do {
            _ = try Tokenizer(fields)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("no-such-pre") && error.description.contains("llama-bpe"))
        }
    }

    @Test(arguments: PreTokenizerPatterns.names)
    func everyNamedPatternCoversEveryText(name: String) throws {
        var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
        fields.pre = name
        fields.addBOS = false
        let tokenizer = try Tokenizer(fields)
        let text = "I'm 12345 the  Ünï日本 \r\n\n\t!?...  ½²\u{180E}\u{85} end \u{0}🚀 "
        let ids = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
        #expect(Array(tokenizer.decode(ids, skipSpecial: true).utf8) == Array(text.utf8))
    }

    @Test func llama3TakesAWordThatIsATokenAsItIs() throws {
        var fields = TinyVocabularies.byteLevel([("a", "b"), ("ab", "c"), ("b", "c"), ("x", "abc")])
        fields.merges?.swapAt(0, 2)
        fields.pre = "gpt-2"
        #expect(try Tokenizer(fields).pieces("abc") == ["a", "bc"])
        fields.pre = "llama-bpe"
        #expect(try Tokenizer(fields).pieces("abc") == ["abc"])
    }

    @Test(arguments: [("t", [1]), ("12345", [3, 2]), ("a b", [1, 2]), ("a  b", [1, 1, 2]), ("!\n\n", [3])])
    func llama3SplitsNumbersIntoThrees(text: String, lengths: [Int]) throws {
        var pieces = TextPieces(Array(text.utf8))
        for step in try PreTokenizerPatterns.steps(named: "llama-bpe") { step.apply(to: &pieces, isTextStart: true) }
        #expect(pieces.ranges.map(\.count) == lengths)
    }
}
