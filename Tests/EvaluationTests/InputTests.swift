import Generation
import Testing
import Tokenization

@testable import Evaluation
@testable import ServerApp

@Suite struct InputTests {
    @Test func aPassageHasItsLengthAndItsInsertsWhereTheyBelong() throws {
        let model = try TestModel.load()
        var random = EvaluationRandom(seed: 3, stream: 0)
        let passage = try TestModel.builder(model).passage(
            length: 100,
            inserts: [
                .init(tokens: [7, 7, 7], place: 0.5), .init(tokens: [9], place: 0), .init(tokens: [8], place: 0.5),
            ],
            random: &random)
        #expect(passage.tokens.count == 100)
        #expect(passage.tokens[0] == model.tokenizer.bosToken)
        #expect(passage.tokens[1] == 9)
        #expect(passage.ends[1] == 2)
        // 100 tokens: BOS, five inserted, 94 of prose, half of them before place 0.5.
        #expect(passage.ends[0] == 1 + 1 + 47 + 3)
        #expect(Array(passage.tokens[passage.ends[0] - 3...passage.ends[0]]) == [7, 7, 7, 8])
    }

    @Test func tooManyFactsForAContextSayHowManyTokensTheyNeed() throws {
        let builder = try TestModel.builder(TestModel.load())
        var random = EvaluationRandom(seed: 3, stream: 0)
        let error = #expect(throws: EvaluationError.self) {
            try builder.passage(
                length: 100, inserts: [.init(tokens: Array(repeating: 5, count: 90), place: 0)], random: &random)
        }
        #expect(error?.description.contains("needs 107") == true)
    }

    @Test func headAndAnswerAreTheTokensOfTheWholeText() throws {
        let tokenizer = try TestModel.load().tokenizer
        let wording = FactWording(tokenizer: tokenizer)
        let (head, answer) = wording.question(.init(name: "Ann", code: "48213"))
        #expect(answer.count == 5)
        #expect(
            tokenizer.decode(head + answer, skipSpecial: false)
                == "\nQuestion: What is the code of Ann?\nAnswer: The code of Ann is 48213")
        let list = wording.list([.init(name: "Ann", code: "48213"), .init(name: "Ben", code: "00000")])
        #expect(tokenizer.decode(list.answer, skipSpecial: false) == " Ann 48213, Ben 00000,")
    }

    @Test func factsDifferInNameAndHaveTheirDigits() {
        var random = EvaluationRandom(seed: 5, stream: 0)
        let facts = FactWording.facts(20, digits: 7, random: &random)
        #expect(Set(facts.map(\.name)).count == 20)
        #expect(facts.allSatisfy { $0.code.count == 7 })
        #expect(Set(FactWording.names).count == FactWording.names.count)
    }

    @Test func madeUpProseIsAFunctionOfItsSeed() {
        #expect(PlainProse.text(sentences: 50, seed: 1) == PlainProse.text(sentences: 50, seed: 1))
        #expect(PlainProse.text(sentences: 50, seed: 1) != PlainProse.text(sentences: 50, seed: 2))
        #expect(PlainProse.text(sentences: 12, seed: 1).count { $0 == "." } == 12)
    }

    /// Cold and hot, hidden and visible: distances cover near, middle and far, and what is visible does not change the
    /// texts.
    @Test(arguments: [SuiteKind.recallColdHidden, .recallHotHidden])
    func recallTextsTakeTurnsInDistanceAndFacts(kind: SuiteKind) throws {
        var settings = TestModel.settings
        settings.recallTexts = 18
        settings.contextTokens = 400
        settings.factCounts = [1, 4, 8]
        let builder = try TestModel.builder(TestModel.load())
        let suite = try RecallSuite(kind, settings: settings, builder: builder)
        let distances = try #require(suite.traits["distance"])
        #expect(suite.traits["facts"] == [1, 1, 1, 4, 4, 4, 8, 8, 8, 1, 1, 1, 4, 4, 4, 8, 8, 8])
        for start in stride(from: 0, to: 18, by: 3) {
            #expect(distances[start] > distances[start + 2], "\(distances)")
        }
        let visible = try RecallSuite(
            kind.isHot ? .recallHotVisible : .recallColdVisible, settings: settings, builder: builder)
        #expect(visible.traits == suite.traits)
    }
}
