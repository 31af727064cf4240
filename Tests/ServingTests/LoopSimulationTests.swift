import Generation
import TestSupport
import Testing
import Tokenization

@testable import Serving

/// Seeded days in the life of an engine loop: arrivals, cancels, pauses, deadlines, full queues; each seed leaves some
/// of them out. Every request must hear what was promised, and the text it would get alone.
@Suite struct LoopSimulationTests {
    private struct Weights {
        let cancel, pause, deadline, choices, stops, logprobs: Bool

        init(_ random: inout SeededRandom) {
            cancel = Bool.random(using: &random)
            pause = Bool.random(using: &random)
            deadline = Bool.random(using: &random)
            choices = Bool.random(using: &random)
            stops = Bool.random(using: &random)
            logprobs = Bool.random(using: &random)
        }
    }

    private struct Client {
        let id: RequestID
        let log: EventLog
        let request: GenerationRequest
        var isPaused = false
        /// It may end otherwise than by itself.
        var isDisturbed: Bool
        var cancelledAtTurn: Int?
    }

    @Test(arguments: UInt64(0)..<60)
    func everyRequestHearsWhatWasPromised(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let weights = Weights(&random)
        let model = FakeModel(eosBias: Float.random(in: 0...6, using: &random))
        let harness = try LoopHarness(
            model: model, maxSequences: Int.random(in: 1...6, using: &random),
            maxQueued: Int.random(in: 3...20, using: &random), maxRows: Int.random(in: 1...40, using: &random),
            poolBytes: Int.random(in: 20...200, using: &random) * 1024, context: 64,
            queueTimeout: Bool.random(using: &random) ? .milliseconds(500) : nil)
        var clients: [Client] = []
        for turn in 0..<Int.random(in: 20...150, using: &random) {
            if Int.random(in: 0..<4, using: &random) == 0 { submit(to: harness, weights, &clients, &random) }
            if weights.cancel, Int.random(in: 0..<12, using: &random) == 0 {
                cancelOne(harness, &clients, turn, &random)
            }
            if weights.pause, Int.random(in: 0..<6, using: &random) == 0 { pauseOne(harness, &clients, &random) }
            harness.turn()
            if let late = clients.first(where: { $0.cancelledAtTurn != nil && !$0.log.isFinished }) {
                Issue.record("seed \(seed), turn \(turn): cancelled at \(late.cancelledAtTurn ?? 0) and still here")
                return
            }
            harness.loop.audit()
        }
        for client in clients where client.isPaused { harness.setPaused(client.id, false) }
        var failure = harness.runUntilIdle()
        failure = failure ?? harness.record.complaint() ?? clients.lazy.compactMap { $0.log.complaint() }.first
        let tokenizer = try TinyVocabulary.tokenizer()
        failure = failure ?? clients.lazy.compactMap { Self.difference($0, model, tokenizer) }.first
        if !harness.liveRequests.isZero { failure = failure ?? "requests are still counted as live" }
        if let failure { Issue.record("seed \(seed): \(failure)") }
    }

    private func submit(
        to harness: LoopHarness, _ weights: Weights, _ clients: inout [Client], _ random: inout SeededRandom
    ) {
        var request = GenerationRequest(
            prompt: (0..<Int.random(in: 1...30, using: &random)).map { _ in
                TokenID.random(in: 0..<TokenID(TinyVocabulary.size), using: &random)
            })
        request.sampling.temperature = [0, 0.7, 1].randomElement(using: &random) ?? 0
        request.sampling.seed = random.next()
        request.stop.maxTokens = Int.random(in: 0...20, using: &random)
        request.stop.ignoreEOS = Bool.random(using: &random)
        if weights.choices { request.choices = Int.random(in: 1...3, using: &random) }
        if weights.stops {
            request.stop.stopStrings = [["a"], ["END", "xyx"], [" the", "S", "1"]].randomElement(using: &random) ?? []
            request.stop.minTokens = Int.random(in: 0...6, using: &random)
            request.stop.includeStopString = Bool.random(using: &random)
        }
        if weights.logprobs {
            request.logprobs = Int.random(in: 0...3, using: &random)
            request.promptLogprobs = Bool.random(using: &random)
        }
        request.cache.budget = Bool.random(using: &random) ? .tokens(Int.random(in: 4...40, using: &random)) : nil
        if request.cache.budget != nil { request.cache.policy = "window" }
        let deadline: Duration? =
            weights.deadline && Bool.random(using: &random)
            ? .milliseconds(Int.random(in: 0...800, using: &random)) : nil
        // What does not fit the pool is refused before it gets here; the planner has tests of its own.
        guard let (id, log) = try? harness.submit(request, deadline: deadline) else { return }
        clients.append(Client(id: id, log: log, request: request, isDisturbed: deadline != nil))
    }

    private func cancelOne(
        _ harness: LoopHarness, _ clients: inout [Client], _ turn: Int, _ random: inout SeededRandom
    ) {
        guard let index = clients.indices.randomElement(using: &random) else { return }
        harness.cancel(clients[index].id)
        clients[index].isDisturbed = true
        clients[index].cancelledAtTurn = turn
    }

    private func pauseOne(_ harness: LoopHarness, _ clients: inout [Client], _ random: inout SeededRandom) {
        guard let index = clients.indices.randomElement(using: &random) else { return }
        clients[index].isPaused.toggle()
        harness.setPaused(clients[index].id, clients[index].isPaused)
    }

    /// What a request got and should not have, or nil.
    private static func difference(_ client: Client, _ model: FakeModel, _ tokenizer: Tokenizer) -> String? {
        if case .rejected = client.log.events.first { return nil }
        for choice in 0..<client.request.choices {
            let heard = client.log.choice(choice)
            let expected = Reference(
                client.request, choice: choice, maxNewTokens: client.request.stop.maxTokens ?? 0, model: model,
                tokenizer: tokenizer)
            guard let (reason, stopReason, usage) = heard.finished else { return "no end" }
            if client.request.logprobs != nil, heard.tokens.count != usage.completionTokens {
                return "\(heard.tokens.count) tokens reported of \(usage.completionTokens)"
            }
            switch reason {
            case .stop, .length:
                if reason != expected.reason || stopReason != expected.stopReason || heard.text != expected.text {
                    return "got \(reason), \(heard.text.debugDescription) instead of \(expected)"
                }
                if usage.completionTokens != expected.tokens.count { return "counted \(usage.completionTokens)" }
                guard client.request.logprobs != nil else { continue }
                if heard.tokens.map(\.token) != expected.tokens { return "other tokens" }
                if heard.tokens.map(\.logprobs) != expected.logprobs { return "other logprobs" }
                if heard.promptTokens?.map(\.token) != (client.request.promptLogprobs ? client.request.prompt : nil) {
                    return "other prompt tokens"
                }
            case .cancelled, .deadline:
                if reason == .cancelled, !client.isDisturbed { return "cancelled by nobody" }
                let whole = tokenizer.decode(
                    Array(expected.tokens.prefix(usage.completionTokens)), skipSpecial: true)
                if !whole.hasPrefix(heard.text) { return "\(heard.text) is no prefix of \(whole)" }
            case .error(let text): return text
            }
        }
        return nil
    }
}
