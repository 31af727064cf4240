import Generation
import KVCaching
import Scheduling
import SessionFiles
import Testing
import Tokenization

@testable import Serving

/// What turns of sessions promise, on the fake engine.
@Suite struct SessionTurnTests {
    private let prompt: [TokenID] = [1, 261, 270, 265, 280]

    private func turn(_ prompt: [TokenID], maxTokens: Int = 4) -> GenerationRequest {
        var request = GenerationRequest.greedy(prompt, maxTokens: maxTokens)
        request.logprobs = 0
        return request
    }

    private static func window(_ tokens: Int) -> KVCacheRequest {
        var cache = KVCacheRequest()
        cache.policy = "window"
        cache.budget = .tokens(tokens)
        return cache
    }

    private func refusal(_ log: EventLog) -> SessionError? {
        if case .rejected(.session(let error)) = log.events.first { error } else { nil }
    }

    /// Runs a turn to its end; its tokens.
    private func run(_ harness: LoopHarness, _ prompt: [TokenID], in id: String) throws -> EventLog.Choice {
        let (_, log) = try harness.submit(turn(prompt), in: id)
        #expect(harness.runUntilIdle() == nil)
        if let complaint = log.complaint() { throw TestFailure(complaint) }
        return log.choice()
    }

    @Test func aTurnReadsOnlyWhatIsNew() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let first = try run(harness, prompt, in: "s")
        #expect(first.finished?.usage.cachedTokens == 0)
        let report = try harness.report(.inspect(SessionKey(owner: .anonymous, id: "s")))
        // The token sampled last is not in the cache.
        #expect(report.tokens == 8 && report.status == .idle && report.bytes == harness.record.arena.usedBytes)
        let next = prompt + first.tokens.map(\.token) + [262, 263]
        let second = try run(harness, next, in: "s")
        #expect(second.finished?.usage.cachedTokens == 8)
        #expect(second.finished?.usage.promptTokens == next.count)
        let tokenizer = try TinyVocabulary.tokenizer()
        let expected = Reference(
            turn(next), choice: 0, maxNewTokens: 4, model: FakeModel(), tokenizer: tokenizer)
        #expect(second.text == expected.text)
        try harness.perform(.delete(SessionKey(owner: .anonymous, id: "s")))
        #expect(harness.record.complaint() == nil)
        #expect(harness.metricsText.contains("keyhold_prompt_tokens_cached_total 8"))
    }

    @Test func thePendingTokenMayDiffer() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let first = try run(harness, prompt, in: "s")
        // An end of turn that the template writes in the place of the one that the model chose.
        let next = prompt + first.tokens.dropLast().map(\.token) + [TinyVocabulary.endOfTurn, 262]
        #expect(try run(harness, next, in: "s").finished?.usage.cachedTokens == 8)
    }

    @Test func anotherPromptIsDiverged() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        _ = try run(harness, prompt, in: "s")
        for (changed, agreeing) in [([1, 261, 299, 265, 280, 262], 2), ([1, 261], 2), ([5, 261, 270, 265, 280], 0)] {
            let (_, log) = try harness.submit(turn(changed.map { TokenID($0) }), in: "s")
            harness.turn()
            #expect(refusal(log) == .diverged(held: 8, agreeing: agreeing))
        }
        let (_, log) = try harness.submit(turn([5, 261, 270]), in: "s", mode: .rebase)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.choice().finished?.usage.cachedTokens == 0)
        #expect(try harness.report(.inspect(SessionKey(owner: .anonymous, id: "s"))).tokens == 6)
    }

    @Test func aPromptThatEndsWithinTheSessionHasNothingNew() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let first = try run(harness, prompt, in: "s")
        let (_, log) = try harness.submit(turn(prompt + first.tokens.dropLast().map(\.token)), in: "s")
        harness.turn()
        #expect(refusal(log) == .nothingNew(held: 8))
    }

    @Test func aSessionTakesOneTurnAtATime() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let key = SessionKey(owner: .anonymous, id: "s")
        let (id, log) = try harness.submit(turn(prompt, maxTokens: 100), in: "s")
        harness.turn()
        let (_, second) = try harness.submit(turn(prompt), in: "s")
        harness.turn()
        #expect(refusal(second) == .busy(id: "s", retryAfterSeconds: 1))
        #expect(throws: SessionError.busy(id: "s", retryAfterSeconds: 1)) { try harness.perform(.beginSaving(key)) }
        var change = SessionChange()
        change.budget = .tokens(3)
        #expect(throws: SessionError.self) { try harness.perform(.change(key, change)) }
        harness.cancel(id)
        harness.turn()
        #expect(log.choice().finished?.reason == .cancelled)
        #expect(try harness.report(.inspect(key)).tokens > 5)
    }

    @Test func aTurnThatEndsWithinItsPromptLeavesTheSessionEmpty() throws {
        let harness = try LoopHarness(maxRows: 1)
        try harness.makeSession("s")
        let (id, _) = try harness.submit(turn(prompt), in: "s")
        harness.turn()
        harness.turn()
        harness.cancel(id)
        #expect(harness.runUntilIdle() == nil)
        let report = try harness.report(.inspect(SessionKey(owner: .anonymous, id: "s")))
        #expect(report.tokens == 0 && report.bytes == 0)
        #expect(harness.record.arena.usedBytes == 0)
        #expect(try run(harness, prompt, in: "s").finished?.usage.cachedTokens == 0)
    }

    /// What it leaves is the session's before anybody starts in the bytes that it had.
    @Test func aTurnPastItsDeadlineKeepsItsBytes() throws {
        let probe = try LoopHarness()
        _ = try probe.submit(turn(prompt, maxTokens: 100))
        probe.turn()
        let harness = try LoopHarness(poolBytes: probe.loop.scheduler.statistics.reservedBytes)
        try harness.makeSession("s")
        let (_, late) = try harness.submit(turn(prompt, maxTokens: 50), in: "s", deadline: .milliseconds(55))
        harness.turn()
        let (_, large) = try harness.submit(turn(prompt, maxTokens: 100))
        #expect(harness.runUntilIdle() == nil)
        #expect(late.choice().finished?.reason == .deadline)
        #expect(large.choice().finished?.usage.completionTokens == 100)
        #expect(harness.loop.sessions.count == 0)
        #expect(harness.record.complaint() == nil)
    }

    @Test func othersSessionsAreNotThere() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s", owner: SessionOwner(name: "alice"))
        let (_, log) = try harness.submit(turn(prompt), in: "s", owner: SessionOwner(name: "bob"))
        harness.turn()
        #expect(refusal(log) == .notFound(id: "s"))
        for owner in [SessionOwner.anonymous, SessionOwner(name: "bob")] {
            let key = SessionKey(owner: owner, id: "s")
            #expect(throws: SessionError.notFound(id: "s")) { try harness.perform(.delete(key)) }
            guard case .sessions(let reports) = try harness.perform(.list(owner)) else { throw TestFailure("no list") }
            #expect(reports.isEmpty)
        }
        try harness.makeSession("s", owner: SessionOwner(name: "bob"))
        #expect(throws: SessionError.exists(id: "s")) {
            try harness.makeSession("s", owner: SessionOwner(name: "bob"))
        }
    }

    // MARK: Time and memory

    @Test func idleSessionsEndWithTheirTime() throws {
        var limits = SessionLimits()
        limits.lifetime = .seconds(100)
        let harness = try LoopHarness(sessions: limits)
        try harness.makeSession("short", timeToLive: .seconds(10))
        try harness.makeSession("long", timeToLive: .seconds(1000))
        _ = try run(harness, prompt, in: "short")
        #expect(harness.record.arena.usedBytes > 0)
        harness.time += .seconds(9)
        harness.turn()
        #expect(try harness.report(.inspect(SessionKey(owner: .anonymous, id: "short"))).tokens == 8)
        harness.time += .seconds(2)
        harness.turn()
        #expect(harness.record.arena.usedBytes == 0)
        #expect(throws: SessionError.expired(id: "short", reason: .ttl)) {
            try harness.perform(.inspect(SessionKey(owner: .anonymous, id: "short")))
        }
        harness.time += .seconds(90)
        harness.turn()
        #expect(throws: SessionError.expired(id: "long", reason: .ttl)) {
            try harness.perform(.inspect(SessionKey(owner: .anonymous, id: "long")))
        }
        #expect(harness.metricsText.contains(#"keyhold_sessions_evicted_total{reason="ttl"} 2"#))
        #expect(throws: SessionError.badTimeToLive(seconds: 90_000, limitSeconds: 86_400)) {
            try harness.makeSession("s", timeToLive: .seconds(90_000))
        }
    }

    @Test func theLeastRecentlyUsedMakesRoomBeforeAnybodyWaits() throws {
        let bytes = try planBytes(prompt: 40, new: 1)
        let harness = try LoopHarness(poolBytes: 3 * bytes)
        var first: [TokenID] = []
        for id in ["a", "b", "c"] {
            try harness.makeSession(id)
            let heard = try run(harness, Array(repeating: 261, count: 30), in: id)
            if id == "a" { first = Array(repeating: 261, count: 30) + heard.tokens.map(\.token) }
        }
        // Beside the entries that it has, the turn needs lanes for them and more: only "b" has to go.
        #expect(try run(harness, first + [262], in: "a").finished?.usage.cachedTokens == 33)
        let (_, log) = try harness.submit(.greedy(Array(repeating: 270, count: 20), maxTokens: 1))
        harness.turn()
        #expect(log.isFinished || !harness.loop.hasWork || harness.runUntilIdle() == nil)
        #expect(throws: SessionError.expired(id: "b", reason: .lru)) {
            try harness.perform(.inspect(SessionKey(owner: .anonymous, id: "b")))
        }
        for id in ["a", "c"] {
            #expect(try harness.report(.inspect(SessionKey(owner: .anonymous, id: id))).bytes > 0)
        }
    }

    /// Bytes that a request of the default policy reserves.
    private func planBytes(prompt: Int, new: Int) throws -> Int {
        let plan = try PolicyTable.plan(
            KVCacheRequest(), defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: new,
            shape: LoopHarness.shape, usesRoPE: true)
        return max(plan.peakBytes, plan.steadyBytes)
    }

    @Test func anOwnersOldestMakesPlaceForItsNewest() throws {
        var limits = SessionLimits()
        limits.most = 2
        let harness = try LoopHarness(sessions: limits)
        let (alice, bob) = (SessionOwner(name: "alice"), SessionOwner(name: "bob"))
        for id in ["a", "b", "c"] {
            try harness.makeSession(id, owner: alice)
            harness.time += .seconds(1)
        }
        #expect(throws: SessionError.expired(id: "a", reason: .lru)) {
            try harness.perform(.inspect(SessionKey(owner: alice, id: "a")))
        }
        #expect(throws: SessionError.tooMany(limit: 2)) { try harness.makeSession("d", owner: bob) }
    }

    @Test func aTenantsShareCountsWhatItKeeps() throws {
        let bytes = try planBytes(prompt: 30, new: 4)
        let tenant = Tenant(id: 7, mostBytes: 2 * bytes)
        let owner = SessionOwner(name: "alice", tenant: tenant)
        let harness = try LoopHarness()
        for id in ["a", "b", "c"] {
            try harness.makeSession(id, owner: owner)
            let (_, log) = try harness.submit(turn(Array(repeating: 261, count: 30)), in: id, owner: owner)
            #expect(harness.runUntilIdle() == nil)
            #expect(log.choice().finished?.reason == .length)
        }
        #expect(throws: SessionError.expired(id: "a", reason: .lru)) {
            try harness.perform(.inspect(SessionKey(owner: owner, id: "a")))
        }
        #expect(harness.record.arena.usedBytes <= 2 * bytes)
    }

    // MARK: Budgets, forks, files

    @Test func aSmallerBudgetFreesBytesNow() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s", cache: Self.window(20))
        _ = try run(harness, Array(repeating: 261, count: 30), in: "s")
        let key = SessionKey(owner: .anonymous, id: "s")
        let before = try harness.report(.inspect(key))
        var change = SessionChange()
        change.budget = .tokens(5)
        change.timeToLive = .seconds(5)
        let after = try harness.report(.change(key, change))
        #expect(before.retainedTokens == 20 && after.retainedTokens == 5)
        #expect(after.bytes * 4 == before.bytes && harness.record.arena.usedBytes == after.bytes)
        #expect(after.expiresIn == .seconds(5) && after.cache.budget == .tokens(5))
        change.budget = .tokens(50)
        #expect(try harness.report(.change(key, change)).retainedTokens == 5)
        harness.loop.audit()
    }

    @Test func aSessionWithoutABudgetCannotGetOneThatNeedsScores() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let key = SessionKey(owner: .anonymous, id: "s")
        var change = SessionChange()
        change.budget = .tokens(5)
        _ = try harness.report(.change(key, change))
        change.budget = nil
        try harness.makeSession("t")
        _ = try run(harness, prompt, in: "t")
        change.budget = .tokens(5)
        let error = #expect(throws: SessionError.self) {
            try harness.perform(.change(SessionKey(owner: .anonymous, id: "t"), change))
        }
        #expect(error?.description.contains("began without a budget") == true)
    }

    @Test func aForkIsASessionOfItsOwn() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let first = try run(harness, prompt, in: "s")
        let key = SessionKey(owner: .anonymous, id: "s")
        let bytes = try harness.report(.inspect(key)).bytes
        let fork = try harness.report(.fork(key, SessionFork(id: "f", createdAt: 9), harness.newSequence()))
        #expect(fork.tokens == 8 && fork.bytes == bytes && fork.createdAt == 9)
        #expect(harness.record.arena.usedBytes == 2 * bytes)
        let tokens = prompt + first.tokens.map(\.token)
        let one = try run(harness, tokens + [262], in: "s")
        let other = try run(harness, tokens + [263], in: "f")
        #expect(one.text != other.text)
        #expect(other.finished?.usage.cachedTokens == 8)
        for id in ["s", "f"] { try harness.perform(.delete(SessionKey(owner: .anonymous, id: id))) }
        #expect(harness.record.complaint() == nil)
    }

    @Test func whatWasSavedGoesOn() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s", cache: Self.window(6))
        let first = try run(harness, prompt, in: "s")
        let key = SessionKey(owner: .anonymous, id: "s")
        guard case .saved(let saved) = try harness.perform(.beginSaving(key)) else { throw TestFailure("not saved") }
        #expect(throws: SessionError.busy(id: "s", retryAfterSeconds: 1)) { try harness.perform(.beginSaving(key)) }
        try harness.perform(.endSaving(key))
        let tokens = prompt + first.tokens.map(\.token) + [262]
        let expected = try run(harness, tokens, in: "s")
        let spec = SessionSpec(id: "r", createdAt: 1)
        let report = try harness.report(.restore(saved, spec, .anonymous, harness.newSequence()))
        #expect(report.tokens == 8 && report.retainedTokens == 6)
        #expect(try run(harness, tokens, in: "r").text == expected.text)
        var wrong = saved
        wrong.tokens.removeLast()
        #expect(throws: SessionError.self) {
            try harness.perform(.restore(wrong, SessionSpec(id: "x", createdAt: 1), .anonymous, harness.newSequence()))
        }
        wrong = saved
        wrong.cache.policy = "h2o"
        #expect(throws: SessionError.self) {
            try harness.perform(.restore(wrong, SessionSpec(id: "x", createdAt: 1), .anonymous, harness.newSequence()))
        }
        harness.loop.audit()
    }

    @Test func deletingCancelsTheTurn() throws {
        let harness = try LoopHarness()
        try harness.makeSession("s")
        let (_, log) = try harness.submit(turn(prompt, maxTokens: 100), in: "s")
        harness.turn()
        harness.turn()
        try harness.perform(.delete(SessionKey(owner: .anonymous, id: "s")))
        #expect(log.choice().finished?.reason == .cancelled)
        #expect(harness.record.complaint() == nil)
        #expect(harness.loop.sessions.count == 0)
    }

    /// The same text in other tokens continues a session; another text does not.
    @Test func tokensAreComparedByWhatTheyStandFor() throws {
        let tokenizer = try TinyVocabulary.tokenizer()
        func word(_ text: String) -> TokenID { TinyVocabulary.word(text) }
        let log = [1, word("E"), word("N"), word("D"), word("x" + "y")]
        func suffix(_ prompt: [TokenID]) -> [TokenID]? {
            TokenContinuation(of: log, by: prompt, tokenizer: tokenizer).suffix
        }
        #expect(suffix([1, word("END"), word("xy"), word("a")]) == [word("a")])
        // This vocabulary puts a blank before a text, so the rest of a token cannot be made anew.
        #expect(suffix([1, word("EN"), word("D"), word("xyx")]) == nil)
        #expect(suffix([1, word("END"), TinyVocabulary.byte(120), TinyVocabulary.byte(121)]) == [])
        #expect(suffix([1, word("END"), TinyVocabulary.byte(120), 3]) == nil)
        #expect(suffix([word("END"), word("xy")]) == nil)
        #expect(suffix([1, word("ENDE")]) == nil)
        #expect(TokenContinuation(of: log, by: [1, word("ENDE")], tokenizer: tokenizer).agreeing == 4)
    }
}
