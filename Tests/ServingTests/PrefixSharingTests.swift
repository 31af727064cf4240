import Generation
import KVCaching
import Scheduling
import TestSupport
import Testing

@testable import Serving

/// Beginnings of prompts that requests share (`EngineLoop+Prefixes`).
@Suite struct PrefixSharingTests {
    private static let block = 4

    private func harness(
        pool: Int = 1 << 22, maxRows: Int = 64, sequences: Int = 8, _ change: (inout PrefixLimits) -> Void = { _ in }
    ) throws -> LoopHarness {
        var limits = PrefixLimits()
        limits.blockTokens = Self.block
        change(&limits)
        return try LoopHarness(maxSequences: sequences, maxRows: maxRows, poolBytes: pool, prefixes: limits)
    }

    private static let prompt = (0..<18).map { TokenID(260 + $0 % 20) }

    private static func request(
        _ prompt: [TokenID] = prompt, salt: String? = nil, policy: String? = nil, budget: Int? = nil, maxTokens: Int = 4
    ) -> GenerationRequest {
        var request = GenerationRequest.greedy(prompt, maxTokens: maxTokens)
        request.cacheSalt = salt
        request.cache.policy = policy
        request.cache.budget = budget.map { .tokens($0) }
        return request
    }

    /// Runs a request to its end.
    private func run(
        _ harness: LoopHarness, _ request: GenerationRequest, tenant: Tenant = .anonymous
    ) throws -> EventLog.Choice {
        let (_, log) = try harness.submit(request, tenant: tenant)
        #expect(harness.runUntilIdle() == nil)
        harness.loop.audit()
        return log.choice()
    }

    private func cached(
        _ harness: LoopHarness, _ request: GenerationRequest, tenant: Tenant = .anonymous
    ) throws -> Int? {
        try run(harness, request, tenant: tenant).finished?.usage.cachedTokens
    }

    private func finish(_ harness: LoopHarness) {
        harness.loop.audit()
        harness.loop.dropIdlePrefixes(beyond: 0)
        #expect(harness.record.complaint() == nil)
    }

    @Test func whatPromptsHaveInCommonIsReadOnce() throws {
        let harness = try harness()
        let first = try run(harness, Self.request())
        #expect(first.finished?.usage.cachedTokens == 0)
        let second = try run(harness, Self.request())
        #expect(second.finished?.usage.cachedTokens == 16 && second.text == first.text)
        #expect(try cached(harness, Self.request(Array(Self.prompt[..<13]) + [290, 291])) == 12)
        // A row is always read.
        #expect(try cached(harness, Self.request(Array(Self.prompt[..<16]))) == 12)
        #expect(try cached(harness, Self.request(Array(Self.prompt[..<3]))) == 0)
        #expect(try cached(harness, Self.request([290] + Self.prompt)) == 0)
        let text = harness.metricsText
        #expect(text.contains("keyhold_prefix_cache_hits_total 40"))
        #expect(text.contains("keyhold_prompt_tokens_cached_total 40"))
        finish(harness)
    }

    @Test func othersAndOtherSaltsFindNothing() throws {
        let harness = try harness()
        let tenants = [Tenant.anonymous, Tenant(id: 1), Tenant(id: 2)]
        for tenant in tenants {
            for salt in [nil, "a", "b", ""] {
                #expect(try cached(harness, Self.request(salt: salt), tenant: tenant) == 0)
                #expect(try cached(harness, Self.request(salt: salt), tenant: tenant) == 16)
            }
        }
        finish(harness)
    }

    @Test func otherEntriesAreNotFound() throws {
        let harness = try harness()
        for storage in KVCacheRequest.storages {
            var request = Self.request()
            request.cache.storage = storage
            #expect(try cached(harness, request) == 0)
            #expect(try cached(harness, request) == 16)
        }
        finish(harness)
    }

    @Test func scoresAndLogitsOfAPromptAreNotSkipped() throws {
        let harness = try harness()
        #expect(try cached(harness, Self.request()) == 0)
        #expect(try cached(harness, Self.request(policy: "keyformer", budget: 10)) == 0)
        #expect(try cached(harness, Self.request(policy: "h2o", budget: 20)) == 0)
        var scored = Self.request()
        (scored.logprobs, scored.promptLogprobs) = (0, true)
        let heard = try run(harness, scored)
        #expect(heard.finished?.usage.cachedTokens == 0 && heard.promptTokens?.count == 18)
        // A window looks at no scores: it copies what is there.
        #expect(try cached(harness, Self.request(policy: "window", budget: 10)) == 16)
        #expect(try cached(harness, Self.request(policy: "window", budget: 19)) == 16)
        finish(harness)
    }

    @Test func cachesThatEvictGiveWhatTheyHaveRead() throws {
        let harness = try harness()
        #expect(try cached(harness, Self.request(policy: "window", budget: 19)) == 0)
        #expect(try cached(harness, Self.request()) == 16)
        let other = Array(Self.prompt.reversed())
        #expect(try cached(harness, Self.request(other, policy: "h2o", budget: 20)) == 0)
        #expect(try cached(harness, Self.request(other)) == 16)
        finish(harness)
    }

    @Test func choicesAndTheirLikeReadAPromptTogether() throws {
        let harness = try harness(maxRows: 8)
        var request = Self.request()
        request.choices = 3
        let (_, log) = try harness.submit(request)
        let (_, other) = try harness.submit(Self.request())
        for _ in 0..<4 {
            harness.turn()
            harness.loop.audit()
        }
        let plan = try PolicyTable.plan(
            request.cache, defaults: KVCacheRequest(), promptTokens: 18, maxNewTokens: 4, shape: LoopHarness.shape,
            usesRoPE: true)
        let shared = 4 * PrefixBlock.byteCount(slots: Self.block, plan: plan)
        #expect(harness.record.arena.usedBytes == shared + 4 * (plan.steadyBytes - shared))
        #expect(harness.runUntilIdle() == nil)
        let cached = (0..<3).map { log.choice($0).finished?.usage.cachedTokens }
        #expect(cached == [0, 16, 16] && other.choice().finished?.usage.cachedTokens == 16)
        finish(harness)
    }

    @Test func aPoolHoldsMoreOfThoseThatShare() throws {
        let plan = try PolicyTable.plan(
            KVCacheRequest(), defaults: KVCacheRequest(), promptTokens: 18, maxNewTokens: 4, shape: LoopHarness.shape,
            usesRoPE: true)
        let shared = 4 * PrefixBlock.byteCount(slots: Self.block, plan: plan)
        let harness = try harness(pool: plan.steadyBytes + 2 * (plan.steadyBytes - shared))
        #expect(try cached(harness, Self.request()) == 0)
        let logs = try (0..<3).map { _ in try harness.submit(Self.request()).log }
        harness.turn()
        harness.turn()
        harness.turn()
        #expect(harness.loop.scheduler.statistics.running == 3)
        #expect(harness.runUntilIdle() == nil)
        #expect(logs.allSatisfy { $0.choice().finished?.usage.cachedTokens == 16 })
        finish(harness)
    }

    @Test func idleBlocksGoBeforeAnybodyWaits() throws {
        let plan = try PolicyTable.plan(
            KVCacheRequest(), defaults: KVCacheRequest(), promptTokens: 18, maxNewTokens: 4, shape: LoopHarness.shape,
            usesRoPE: true)
        let harness = try harness(pool: plan.steadyBytes)
        #expect(try cached(harness, Self.request()) == 0)
        // The end of a chain goes first, and the oldest one: half of it is still found.
        let short = Array(Self.prompt[..<2].map { $0 + 1 }) + Self.prompt[2..<8]
        #expect(try cached(harness, Self.request(short, maxTokens: 1)) == 0)
        let left = try #require(try cached(harness, Self.request()))
        #expect(left == 8 || left == 12)
        #expect(try cached(harness, Self.request(Self.prompt.reversed())) == 0)
        #expect(try cached(harness, Self.request()) == 0)
        finish(harness)
    }

    @Test func idleBytesHaveALimit() throws {
        let plan = try PolicyTable.plan(
            KVCacheRequest(), defaults: KVCacheRequest(), promptTokens: 18, maxNewTokens: 4, shape: LoopHarness.shape,
            usesRoPE: true)
        let bytes = PrefixBlock.byteCount(slots: Self.block, plan: plan)
        for (limit, expected) in [(0, 0), (bytes, 4), (3 * bytes - 1, 8)] {
            let harness = try harness { $0.mostIdleBytes = limit }
            #expect(try cached(harness, Self.request()) == 0)
            #expect(harness.record.arena.usedBytes == expected / Self.block * bytes)
            #expect(try cached(harness, Self.request()) == expected)
            finish(harness)
        }
        let off = try harness { $0.isOn = false }
        for _ in 0..<2 { #expect(try cached(off, Self.request()) == 0) }
        #expect(off.record.complaint() == nil)
    }

    @Test func sessionsShareTheirFirstTurns() throws {
        let harness = try harness()
        for name in ["a", "b"] {
            try harness.makeSession(name)
            let (_, log) = try harness.submit(Self.request(), in: name)
            #expect(harness.runUntilIdle() == nil)
            #expect(log.choice().finished?.usage.cachedTokens == (name == "a" ? 0 : 16))
            harness.loop.audit()
        }
        #expect(try cached(harness, Self.request()) == 16)
        for name in ["a", "b"] { try harness.perform(.delete(SessionKey(owner: .anonymous, id: name))) }
        finish(harness)
    }

    @Test func tokensAreComparedAndNotOnlyHashed() throws {
        var index = PrefixIndex(blockTokens: 2) { _ in 7 }
        let scope = PrefixScope(
            tenant: 0, salt: nil,
            kind: PrefixKind(
                try PolicyTable.plan(
                    KVCacheRequest(), defaults: KVCacheRequest(), promptTokens: 8, maxNewTokens: 1,
                    shape: LoopHarness.shape, usesRoPE: true)))
        var random = SeededRandom(seed: 1)
        var known: [[TokenID]: PrefixNode] = [:]
        for _ in 0..<200 {
            let prompt = (0..<8).map { _ in TokenID.random(in: 0..<3, using: &random) }
            let found = index.blocks(of: prompt, in: scope, most: 4)
            for number in 0..<4 {
                let expected = known[Array(prompt[..<(2 * number + 2)])]
                #expect((number < found.count ? found[number] : nil) === expected)
            }
            var nodes = found
            for node in nodes { _ = index.use(node) }
            for number in nodes.count..<4 {
                let node = index.insert(number, of: prompt, in: scope, behind: nodes.last, byteCount: 1)
                known[Array(prompt[..<(2 * number + 2)])] = node
                nodes.append(node)
            }
            #expect(index.usedBytes == 4)
            _ = index.leave(nodes)
            while index.idleBytes > 40, let gone = index.removeOldest() {
                known = known.filter { $0.value !== gone }
            }
            #expect(index.usedBytes == 0 && index.idleBytes == known.count)
        }
    }
}
