import Generation
import TestSupport
import Testing
import Tokenization

@testable import Serving

@Suite struct TextAssemblerTests {
    private func assembler(_ stops: [String] = [], reports: Bool = true, skip: Bool = true) throws -> TextAssembler {
        var request = GenerationRequest(prompt: [1])
        request.stop.stopStrings = stops
        request.logprobs = reports ? 0 : nil
        request.skipSpecialTokens = skip
        return TextAssembler(request: request, tokenizer: try TinyVocabulary.tokenizer())
    }

    /// The chunks of `tokens` and of the end.
    private func chunks(_ assembler: TextAssembler, _ tokens: [TokenID]) -> [TextAssembler.Chunk] {
        var assembler = assembler
        var chunks: [TextAssembler.Chunk] = []
        for token in tokens {
            chunks.append(assembler.append(token, logprobs: nil, mayStop: true))
            if chunks.last?.matchedStop != nil { return chunks }
        }
        return chunks + [assembler.finish(mayStop: true)]
    }

    @Test func tokensOfASplitCharacterComeWithIt() throws {
        let tokens = [TinyVocabulary.byte(0xF0), TinyVocabulary.byte(0x9F), TinyVocabulary.byte(0xA6),
            TinyVocabulary.byte(0x8A), TinyVocabulary.word("a")]
        let chunks = chunks(try assembler(), tokens)
        #expect(chunks.map(\.text) == ["", "", "", "🦊", "a", ""])
        #expect(chunks.map { $0.tokens.map(\.token) } == [[], [], [], Array(tokens[..<4]), [tokens[4]], []])
    }

    @Test func tokensHeldByTheMatcherComeWithTheirText() throws {
        let tokens = ["a", "S", "TO", "b", "ST"].compactMap { $0 == "ST" ? nil : TinyVocabulary.word($0) }
            + [TinyVocabulary.word("S"), TinyVocabulary.word("T")]
        let chunks = chunks(try assembler(["STOP"]), tokens)
        #expect(chunks.map(\.text) == ["a", "", "", "STOb", "", "", "ST"])
        #expect(chunks.map(\.tokens.count) == [1, 0, 0, 3, 0, 0, 2])
    }

    @Test func aTokenIsNotHeldForTheCharacterOfTheNext() throws {
        let tokens = [0xE2, 0xC3, 0xA9].map { TinyVocabulary.byte($0) }
        let chunks = chunks(try assembler(), tokens)
        #expect(chunks.map(\.text) == ["", "\u{FFFD}", "é", ""])
        #expect(chunks.map { $0.tokens.map(\.token) } == [[], [tokens[0]], Array(tokens[1...]), []])
    }

    @Test func skippedSpecialTokensAreReportedWithoutText() throws {
        let tokens = [TinyVocabulary.bos, TinyVocabulary.word("a")]
        let chunks = chunks(try assembler(), tokens)
        #expect(chunks.map(\.text) == ["", "a", ""])
        #expect(chunks.map(\.tokens.count) == [1, 1, 0])
        #expect(self.chunks(try assembler(skip: false), tokens).map(\.text) == ["<s>", "a", ""])
    }

    @Test func withoutLogprobsNoTokenIsReported() throws {
        let chunks = chunks(try assembler(reports: false), [TinyVocabulary.word("a"), TinyVocabulary.byte(0xC3)])
        #expect(chunks.map(\.text) == ["a", "", "\u{FFFD}"])
        #expect(chunks.allSatisfy { $0.tokens.isEmpty })
    }

    @Test(arguments: UInt64(0)..<20)
    func noTextAndNoTokenIsLostOrComesTwice(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let tokenizer = try TinyVocabulary.tokenizer()
        for round in 0..<15 {
            let tokens = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                let first = Bool.random(using: &random) ? TinyVocabulary.firstWord : 0
                return TokenID.random(in: first..<TokenID(TinyVocabulary.size), using: &random)
            }
            let stops = [[], ["STOP"], ["xyx", "yxy"], ["a", "EN", "END"]].randomElement(using: &random) ?? []
            let chunks = chunks(try assembler(stops), tokens)
            let text = chunks.map(\.text).joined()
            let reported = chunks.flatMap(\.tokens).map(\.token)
            let whole = tokenizer.decode(Array(tokens.prefix(reported.count)), skipSpecial: true)
            var failure: String?
            if chunks.last?.matchedStop == nil {
                if reported != tokens { failure = "\(reported) instead of \(tokens)" }
                if text != whole { failure = "\(text) instead of \(whole)" }
            } else {
                if reported != Array(tokens.prefix(chunks.count)) { failure = "\(reported) is no prefix of \(tokens)" }
                if !whole.hasPrefix(text) { failure = "\(text) is no prefix of \(whole)" }
            }
            failure = failure ?? Self.earlyToken(chunks, of: tokens, tokenizer)
            if let failure {
                Issue.record("seed \(seed), round \(round), stops \(stops): \(failure)")
                return
            }
        }
    }

    /// A token that was reported although its text was not out yet.
    private static func earlyToken(
        _ chunks: [TextAssembler.Chunk], of tokens: [TokenID], _ tokenizer: Tokenizer
    ) -> String? {
        var (text, reported) = ("", 0)
        for (index, chunk) in chunks.dropLast().enumerated() {
            text += chunk.text
            reported += chunk.tokens.count
            var detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: true)
            let ready = tokens[..<reported].map { detokenizer.append($0) }.joined()
            if ready.utf8.count > text.utf8.count { return "chunk \(index) reports a token before its text" }
            // A half character may be reported only once it turned out to be none.
            let hasHalf = !detokenizer.finish().isEmpty
            var all = StreamingDetokenizer(tokenizer, skipSpecial: true)
            let known = tokens[...index].map { all.append($0) }.joined()
            if hasHalf, known.utf8.count == ready.utf8.count { return "chunk \(index) reports half a character" }
        }
        return nil
    }
}
