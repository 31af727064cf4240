import Generation
import Testing

@testable import Tokenization

@Suite struct SentencePieceTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello)) }

    @Test func textStartsWithASpaceAndMergesByScore() {
        #expect(tokenizer.pieces("hello") == ["▁hello"])
        #expect(tokenizer.pieces(" hello") == ["▁", "▁hello"])
        #expect(tokenizer.pieces("hello world") == ["▁hello", "▁", "w", "o", "r", "l", "d"])
        #expect(tokenizer.pieces("") == [])
    }

    @Test func prefixSpaceCanBeTurnedOff() throws {
        var fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello)
        fields.addSpacePrefix = false
        let tokenizer = try Tokenizer(fields)
        #expect(tokenizer.pieces("hello") == ["he", "llo"])
        #expect(!tokenizer.addsLeadingSpace)
        #expect(
            tokenizer.decode(
                tokenizer.encode(" hello", addSpecial: false, parseSpecial: false),
                skipSpecial: true, stripsLeadingSpace: true) == " hello")
    }

    @Test func charactersWithoutATokenAreBytes() {
        #expect(tokenizer.pieces("é") == ["▁", "é"])
        #expect(tokenizer.pieces("ü") == ["▁", "<0xC3>", "<0xBC>"])
        #expect(tokenizer.pieces("\0\n") == ["▁", "<0x00>", "<0x0A>"])
    }

    @Test func withoutByteTokensNeighbouringUnknownCharactersAreOneToken() throws {
        let tokenizer = try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello, hasByteTokens: false))
        #expect(tokenizer.pieces("hüüxh") == ["▁h", "<unk>", "h"])
    }

    @Test func unknownTokenDecodesToItsText() {
        #expect(tokenizer.decode([0, 1], skipSpecial: false) == "<unk><s>")
        #expect(tokenizer.decode([0, 1], skipSpecial: true) == "")
    }

    @Test func specialTokensComeOnlyWhenAskedFor() {
        #expect(tokenizer.encode("<s>h</s>", addSpecial: false, parseSpecial: true).first == 1)
        #expect(tokenizer.pieces("<s>h</s>", parseSpecial: true) == ["<s>", "▁h", "</s>"])
        let plain = tokenizer.encode("<s>h</s>", addSpecial: false, parseSpecial: false)
        #expect(!plain.contains { tokenizer.isSpecial($0) })
        #expect(tokenizer.decode(plain, skipSpecial: true, stripsLeadingSpace: true) == "<s>h</s>")
    }

    /// The halves of `<s>` are tokens here, so merging by text alone would make the control token.
    @Test func mergingNeverMakesAControlToken() throws {
        let fields = TinyVocabularies.sentencePiece([
            "<s", "s>", "<", "s", ">", "▁", "<0x41", "4", "1", "0", "x", "<0", "<0x4", "<0x",
        ])
        let tokenizer = try Tokenizer(fields)
        #expect(tokenizer.pieces("<s>") == ["▁", "<s", ">"])
        #expect(tokenizer.pieces("<0x41>").last == ">")
    }

    @Test func bosAndEosAreTheFilesChoice() throws {
        #expect(tokenizer.pieces("h", addSpecial: true) == ["<s>", "▁h"])
        #expect(tokenizer.encode("", addSpecial: true, parseSpecial: false) == [1])
        var fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello)
        (fields.addBOS, fields.addEOS) = (false, true)
        #expect(try Tokenizer(fields).pieces("h", addSpecial: true) == ["▁h", "</s>"])
    }

    @Test func eachStretchAfterASpecialTokenGetsItsSpace() {
        #expect(tokenizer.pieces("hello<s>hello", parseSpecial: true) == ["▁hello", "<s>", "▁hello"])
    }

    @Test func userDefinedTokensAreFoundInUserText() throws {
        var fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello + ["<tool>", "<tool>>"])
        for number in [1, 2] { fields.types?[fields.tokens.count - number] = 4 }
        #expect(try Tokenizer(fields).pieces("he<tool>>h<tool>") == ["▁he", "<tool>>", "▁h", "<tool>"])
    }

    @Test func endTokensAreEosNamedOnesAndListedOnes() throws {
        var fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello + ["<|im_end|>", "<|end|>", "<x>"])
        let count = fields.tokens.count
        fields.types?[count - 2] = 3
        fields.endTokens = [count - 1]
        let tokenizer = try Tokenizer(fields)
        #expect(tokenizer.eosTokens == [2, TokenID(count - 3), TokenID(count - 2), TokenID(count - 1)])
        // A file that calls an end token ordinary text does not let users type it.
        #expect(tokenizer.isSpecial(TokenID(count - 3)))
    }

    /// Every text comes back, whatever its characters: the tokens are a lossless code.
    @Test(arguments: UInt64(0)..<20)
    func encodingRoundTrips(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let characters = Array("hello word é ü 日 🚀 \u{0} \n <s> </s>")
        for _ in 0..<50 {
            let text = String(
                (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                    characters.randomElement(using: &generator) ?? " "
                })
            let tokens = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            let decoded = tokenizer.decode(tokens, skipSpecial: true, stripsLeadingSpace: true)
            if Array(decoded.utf8) != Array(text.utf8) {
                Issue.record("\(text.debugDescription) came back as \(decoded.debugDescription)")
                return
            }
        }
    }

    @Test func idsOutsideTheVocabularyHaveNoBytes() {
        for token in [-1, TokenID.max, TokenID(tokenizer.vocabularySize)] {
            #expect(tokenizer.bytes(of: token) == [] && !tokenizer.isSpecial(token))
        }
        #expect(tokenizer.decode([-1, 9999], skipSpecial: true) == "")
    }
}
