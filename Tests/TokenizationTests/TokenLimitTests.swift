import Generation
import Testing

@testable import Tokenization

/// Texts are refused by their length only where no tokenization of them could be short enough.
@Suite struct TokenLimitTests {
    private func encode(_ text: String, with tokenizer: Tokenizer, limit: Int) throws(TooManyTokens) -> [TokenID] {
        try tokenizer.encode(text, addSpecial: false, parseSpecial: true, limit: limit)
    }

    @Test func aTextOfLongestTokensPassesAtItsExactCount() throws {
        let piece = "helloworld"
        let tokenizer = try Tokenizer(
            TinyVocabularies.byteLevel([
                ("h", "e"), ("l", "l"), ("ll", "o"), ("he", "llo"), ("w", "o"), ("r", "l"), ("rl", "d"), ("wo", "rld"),
                ("hello", "world"),
            ]))
        let text = String(repeating: piece, count: 50)
        let whole = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
        #expect(whole.count == 50)
        #expect(try encode(text, with: tokenizer, limit: 50) == whole)
        #expect(throws: TooManyTokens(fewest: 50)) { try encode(text, with: tokenizer, limit: 49) }
    }

    /// With seeded texts: what is refused really has as many tokens as the refusal says.
    @Test func theBoundIsNeverAboveTheCount() throws {
        let tokenizers = [
            try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello)),
            try Tokenizer(TinyVocabularies.byteLevel([("h", "e"), ("l", "l"), ("he", "ll")])),
        ]
        let parts = ["hello", " ", "  ", "w", "\u{e9}", "\u{1F600}", "<|bos|>", "<s>", "\n", "rd", "\u{0}"]
        var random = SeededGenerator(seed: 7)
        var broken: String?
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            for tokenizer in tokenizers {
                let count = tokenizer.encode(text, addSpecial: false, parseSpecial: true).count
                do throws(TooManyTokens) {
                    _ = try encode(text, with: tokenizer, limit: Int.random(in: 0...6, using: &random))
                } catch {
                    if error.fewest > count { broken = "\(text.debugDescription): \(error.fewest) > \(count)" }
                }
            }
        }
        if let broken { Issue.record("\(broken)") }
    }

    /// Bytes are the way out of a SentencePiece vocabulary that has them all; without them a run of characters that
    /// have no token is one unknown token.
    @Test func aVocabularyOfByteTokensHasABoundAndOneWithoutHasNone() throws {
        let text = String(repeating: "\u{1F600}", count: 1_000)
        let known = try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello))
        #expect(throws: TooManyTokens.self) { try encode(text, with: known, limit: 100) }
        let fusing = try Tokenizer(TinyVocabularies.sentencePiece(TinyVocabularies.hello, hasByteTokens: false))
        #expect(try encode(text, with: fusing, limit: 100).count < 4)
    }

    /// Some vocabularies have no token for control characters: a long text of them is short.
    @Test func aVocabularyThatDropsBytesRefusesNothing() throws {
        var fields = TinyVocabularies.byteLevel([])
        fields.tokens[2] = Array("filler".utf8)
        let tokenizer = try Tokenizer(fields)
        let text = String(repeating: "\u{0}", count: 1_000) + "a"
        #expect(try encode(text, with: tokenizer, limit: 1).count == 1)
    }
}
