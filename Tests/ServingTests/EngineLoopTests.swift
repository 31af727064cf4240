import Generation
import Testing
import Tokenization

@testable import Serving

@Suite struct EngineLoopTests {
    private let prompt: [TokenID] = [1, 261, 270, 265, 280]

    @Test func oneRequestGivesItsTextThenItsEnd() throws {
        let harness = try LoopHarness()
        let request = GenerationRequest.greedy(prompt, maxTokens: 12)
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.complaint() == nil)
        let expected = Reference(
            request, choice: 0, maxNewTokens: 12, model: FakeModel(), tokenizer: try TinyVocabulary.tokenizer())
        let heard = log.choice()
        #expect(heard.text == expected.text)
        #expect(heard.finished?.reason == .length)
        #expect(heard.finished?.usage.completionTokens == 12)
        #expect(heard.finished?.usage.promptTokens == 5)
        #expect(heard.tokens.isEmpty)
        #expect(harness.record.complaint() == nil)
        #expect(harness.liveRequests.isZero)
    }

    @Test func acceptedCarriesTheResolvedCachePerPrompt() throws {
        let harness = try LoopHarness()
        var first = GenerationRequest.greedy(prompt, maxTokens: 3)
        first.cache.policy = "window"
        first.cache.budget = .tokens(4)
        first.choices = 2
        var second = GenerationRequest.greedy([1, 5], maxTokens: 3)
        second.choices = 2
        let (_, log) = try harness.submit(first, second)
        harness.turn()
        guard case .accepted(let caches) = log.events.first else { throw TestFailure("\(log.events)") }
        #expect(caches.map(\.policy) == ["window", "keyformer"])
        #expect(caches.map(\.budgetTokens) == [4, 4])
        #expect(harness.runUntilIdle() == nil)
        #expect(log.complaint() == nil)
    }

    @Test func choicesAreSeparateSequencesWithTheirOwnSeeds() throws {
        let harness = try LoopHarness(maxSequences: 2)
        var request = GenerationRequest.greedy(prompt, maxTokens: 8)
        request.sampling.temperature = 1
        request.sampling.seed = 9
        request.choices = 5
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.complaint() == nil)
        let tokenizer = try TinyVocabulary.tokenizer()
        for choice in 0..<5 {
            let expected = Reference(
                request, choice: choice, maxNewTokens: 8, model: FakeModel(), tokenizer: tokenizer)
            #expect(log.choice(choice).text == expected.text)
        }
        #expect(Set((0..<5).map { log.choice($0).text }).count == 5)
        #expect(harness.record.current.admitted == 5)
    }

    @Test func maxTokensZeroScoresThePromptAndEndsWithLength() throws {
        let harness = try LoopHarness()
        var request = GenerationRequest.greedy(prompt, maxTokens: 0)
        request.promptLogprobs = true
        request.logprobs = 2
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.complaint() == nil)
        let heard = log.choice()
        #expect(heard.finished?.reason == .length)
        #expect(heard.finished?.usage.completionTokens == 0)
        #expect(heard.text == "")
        let scored = try #require(heard.promptTokens)
        #expect(scored.map(\.token) == prompt)
        #expect(scored[0].logprobs == TokenLogprobs(chosen: nil, top: []))
        #expect(scored.dropFirst().allSatisfy { $0.logprobs?.top.count == 2 && $0.logprobs?.chosen != nil })
    }

    @Test(arguments: [1, 2, 3, 8, 64])
    func promptLogprobsDoNotDependOnThePieces(maxRows: Int) throws {
        let harness = try LoopHarness(maxRows: maxRows)
        var request = GenerationRequest.greedy((0..<23).map { 260 + $0 }, maxTokens: 2)
        request.promptLogprobs = true
        request.logprobs = 0
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        let heard = log.choice()
        let scored = try #require(heard.promptTokens)
        let workspace = SamplingWorkspaceBox()
        for index in 1..<23 {
            let seen = Array(request.prompt[..<index])
            let logits = FakeModel().logits(after: seen, promptCount: seen.count)
            #expect(scored[index].logprobs == workspace.report(logits, chosen: request.prompt[index], top: 0))
        }
        #expect(heard.tokens.count == 2)
    }

    @Test func minTokensKeepsEveryStopAway() throws {
        let tokenizer = try TinyVocabulary.tokenizer()
        let model = FakeModel(eosBias: 12)
        for minimum in [0, 1, 7] {
            let harness = try LoopHarness(model: model)
            var request = GenerationRequest.greedy(prompt, maxTokens: 40)
            request.stop.ignoreEOS = false
            request.stop.minTokens = minimum
            request.stop.stopStrings = ["e", "a"]
            request.logprobs = 0
            let (_, log) = try harness.submit(request)
            #expect(harness.runUntilIdle() == nil)
            let expected = Reference(request, choice: 0, maxNewTokens: 40, model: model, tokenizer: tokenizer)
            #expect(log.choice().text == expected.text)
            #expect(log.choice().finished?.reason == expected.reason)
            let generated = try #require(log.choice().finished?.usage.completionTokens)
            #expect(generated == minimum + 1)
            #expect(log.choice().tokens.dropLast().allSatisfy { !tokenizer.eosTokens.contains($0.token) })
        }
    }

    @Test func stopTokensEndEvenWhenEOSIsIgnored() throws {
        let script = [TinyVocabulary.word("a"), TinyVocabulary.eos, TinyVocabulary.word("b"), TinyVocabulary.word("xy")]
        let harness = try LoopHarness(model: FakeModel(script: script))
        var request = GenerationRequest.greedy(prompt, maxTokens: 40)
        request.stop.stopTokens = [TinyVocabulary.word("xy")]
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.choice().text == "ab")
        #expect(log.choice().finished?.reason == .stop)
        #expect(log.choice().finished?.stopReason == "\(TinyVocabulary.word("xy"))")
        #expect(log.choice().finished?.usage.completionTokens == 4)
    }

    @Test func theEndingTokenIsCountedAndReportedButNoText() throws {
        let script = [TinyVocabulary.word("a"), TinyVocabulary.eos]
        let harness = try LoopHarness(model: FakeModel(script: script))
        var request = GenerationRequest.greedy(prompt, maxTokens: 40)
        request.stop.ignoreEOS = false
        request.skipSpecialTokens = false
        request.logprobs = 1
        let (_, log) = try harness.submit(request)
        #expect(harness.runUntilIdle() == nil)
        let heard = log.choice()
        #expect(heard.text == "a")
        #expect(heard.finished?.reason == .stop)
        #expect(heard.finished?.stopReason == nil)
        #expect(heard.tokens.map(\.token) == script)
    }

    @Test func stopStringsAcrossTokensAreCut() throws {
        let script = ["a", "S", "TO", "P", "b"].map { TinyVocabulary.word($0) }
        for (includes, text) in [(false, "a"), (true, "aSTOP")] {
            let harness = try LoopHarness(model: FakeModel(script: script))
            var request = GenerationRequest.greedy(prompt, maxTokens: 40)
            request.stop.stopStrings = ["STOP"]
            request.stop.includeStopString = includes
            request.logprobs = 0
            let (_, log) = try harness.submit(request)
            #expect(harness.runUntilIdle() == nil)
            let heard = log.choice()
            #expect(heard.text == text)
            #expect(heard.finished?.stopReason == "STOP")
            #expect(heard.finished?.usage.completionTokens == 4)
            #expect(heard.tokens.map(\.token) == Array(script.prefix(4)))
        }
    }

    @Test func timesAndByteSecondsAddUp() throws {
        let harness = try LoopHarness(maxSequences: 1, maxRows: 64)
        let (_, first) = try harness.submit(.greedy(prompt, maxTokens: 3))
        let (_, second) = try harness.submit(.greedy(prompt, maxTokens: 2))
        #expect(harness.runUntilIdle() == nil)
        let one = try #require(first.choice().finished?.usage)
        #expect(abs(one.queueSeconds) < 1e-9)
        #expect(abs(one.prefillSeconds - 0.01) < 1e-9)
        #expect(abs(one.decodeSeconds - 0.02) < 1e-9)
        guard case .accepted(let caches) = first.events.first else { throw TestFailure("not accepted") }
        let (peak, steady) = (Double(caches[0].peakBytes), Double(caches[0].steadyBytes))
        #expect(abs(one.byteSeconds - 0.01 * max(peak, steady) - 0.02 * steady) < 1e-6)
        let two = try #require(second.choice().finished?.usage)
        #expect(abs(two.queueSeconds - 0.03) < 1e-9)
    }
}

/// Stops a test whose premise failed.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
