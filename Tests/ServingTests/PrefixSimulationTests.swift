import Generation
import KVCaching
import Scheduling
import TestSupport
import Testing
import Tokenization

@testable import Serving

/// Seeded days of requests whose prompts begin alike, of several tenants and salts, with sessions between them, in
/// pools that are too small: cancels, waits, deadlines, evictions. Everybody gets the text it would get alone, nobody
/// finds what is another's, and every byte is where the books say.
@Suite struct PrefixSimulationTests {
    @Test(arguments: UInt64(0)..<80)
    func sharingKeepsItsPromises(seed: UInt64) throws {
        var simulation = try PrefixSimulation(seed: seed)
        try simulation.run()
        if let failure = simulation.failure { Issue.record("seed \(seed): \(failure)") }
    }

    @Test(arguments: PrefixMutation.allCases)
    func aMistakeIsFound(mutation: PrefixMutation) throws {
        let found = try (UInt64(0)..<40).contains { seed in
            var simulation = try PrefixSimulation(seed: seed, mutation: mutation)
            try simulation.run()
            return simulation.failure != nil
        }
        #expect(found)
    }

    @Test func theSimulationSimulates() throws {
        var counts: [String: Int] = [:]
        for seed in UInt64(0)..<80 {
            var simulation = try PrefixSimulation(seed: seed)
            try simulation.run()
            counts.merge(simulation.counts, uniquingKeysWith: +)
        }
        for what in ["hit", "miss", "copied", "cancelled", "deadline", "session", "sharedWhileRunning", "evicted"] {
            #expect(counts[what, default: 0] > 0, "\(what): \(counts)")
        }
    }
}

private struct PrefixSimulation {
    private struct Client {
        let id: RequestID
        let log: EventLog
        let request: GenerationRequest
        let tenant: Tenant
        /// In which session, and the tokens that this is fed before it.
        var session: String?
    }

    private(set) var failure: String?
    private(set) var counts: [String: Int] = [:]
    private var random: SeededRandom
    private let harness: LoopHarness
    private let model: FakeModel
    private let beginnings: [[TokenID]]
    private var clients: [Client] = []
    private var sessions = 0
    private let tenants = [Tenant.anonymous, Tenant(id: 1, mostBytes: 40 * 1024)]

    init(seed: UInt64, mutation: PrefixMutation? = nil) throws {
        var random = SeededRandom(seed: seed)
        var limits = PrefixLimits()
        limits.blockTokens = Int.random(in: 1...8, using: &random)
        if Bool.random(using: &random) { limits.mostIdleBytes = Int.random(in: 0...(20 * 1024), using: &random) }
        model = FakeModel(eosBias: Float.random(in: 0...6, using: &random))
        harness = try LoopHarness(
            model: model, maxSequences: Int.random(in: 1...8, using: &random),
            maxQueued: Int.random(in: 3...20, using: &random), maxRows: Int.random(in: 1...60, using: &random),
            poolBytes: Int.random(in: 16...120, using: &random) * 1024, context: 64,
            queueTimeout: Bool.random(using: &random) ? .milliseconds(500) : nil, prefixes: limits,
            prefixMutation: mutation)
        let common = (0..<40).map { _ in TokenID.random(in: 0..<TokenID(TinyVocabulary.size), using: &random) }
        beginnings = [common, Array(common[..<20]) + common[..<20].reversed(), common.reversed()]
        self.random = random
    }

    mutating func run() throws {
        for _ in 0..<Int.random(in: 30...150, using: &random) where failure == nil {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2: submit()
            case 3: submitTurn()
            case 4:
                if let client = clients.randomElement(using: &random), Bool.random(using: &random) {
                    harness.cancel(client.id)
                }
            default: break
            }
            harness.turn()
            check()
        }
        failure = failure ?? harness.runUntilIdle()
        check()
        for index in 0..<sessions {
            _ = try? harness.perform(.delete(SessionKey(owner: .anonymous, id: "s\(index)")))
        }
        harness.loop.audit()
        let before = harness.loop.prefixes.index.idleBytes
        if before != harness.record.arena.usedBytes { failure = failure ?? "\(before) bytes are not all that is left" }
        harness.loop.dropIdlePrefixes(beyond: 0)
        failure = failure ?? harness.record.complaint() ?? clients.lazy.compactMap { $0.log.complaint() }.first
        let tokenizer = try TinyVocabulary.tokenizer()
        for client in clients where failure == nil { failure = difference(client, tokenizer) }
        if harness.metricsText.contains("keyhold_prefix_cache_evictions_total 0") { return }
        counts["evicted", default: 0] += 1
    }

    private mutating func request() -> GenerationRequest {
        let beginning = (beginnings.randomElement(using: &random) ?? []).prefix(Int.random(in: 0...40, using: &random))
        let rest = (0..<Int.random(in: 1...10, using: &random)).map { _ in
            TokenID.random(in: 0..<TokenID(TinyVocabulary.size), using: &random)
        }
        var request = GenerationRequest(prompt: beginning + rest)
        request.sampling.temperature = [0, 1].randomElement(using: &random) ?? 0
        request.sampling.seed = random.next()
        request.stop.maxTokens = Int.random(in: 0...12, using: &random)
        if Int.random(in: 0..<6, using: &random) == 0 { request.cacheSalt = "s" }
        if Int.random(in: 0..<6, using: &random) == 0 { (request.logprobs, request.promptLogprobs) = (0, true) }
        request.choices = Int.random(in: 0..<4, using: &random) == 0 ? 3 : 1
        if Int.random(in: 0..<3, using: &random) == 0 {
            request.cache.policy = ["window", "h2o"].randomElement(using: &random)
            request.cache.budget = .tokens(Int.random(in: 4...50, using: &random))
        }
        return request
    }

    private mutating func submit() {
        let request = request()
        let tenant = tenants.randomElement(using: &random) ?? .anonymous
        let deadline: Duration? =
            Int.random(in: 0..<6, using: &random) == 0 ? .milliseconds(Int.random(in: 0...500, using: &random)) : nil
        guard let (id, log) = try? harness.submit(request, deadline: deadline, tenant: tenant) else { return }
        clients.append(Client(id: id, log: log, request: request, tenant: tenant))
    }

    private mutating func submitTurn() {
        var request = request()
        request.choices = 1
        (request.logprobs, request.promptLogprobs) = (nil, false)
        let name = "s\(sessions)"
        guard (try? harness.makeSession(name, cache: request.cache)) != nil else { return }
        sessions += 1
        guard let (id, log) = try? harness.submit(request, in: name) else { return }
        clients.append(Client(id: id, log: log, request: request, tenant: .anonymous, session: name))
    }

    private mutating func check() {
        harness.loop.audit()
        let statistics = harness.loop.scheduler.statistics
        let index = harness.loop.prefixes.index
        let charged = statistics.reservedBytes + statistics.heldBytes + statistics.sharedBytes + index.idleBytes
        if charged != harness.record.arena.usedBytes {
            failure = failure ?? "\(harness.record.arena.usedBytes) bytes are used, the books have \(charged)"
        }
        if index.idleBytes > harness.loop.prefixes.limits.mostIdleBytes {
            failure = failure ?? "\(index.idleBytes) idle bytes"
        }
        if statistics.sharedBytes > 0, statistics.running > 1 { counts["sharedWhileRunning", default: 0] += 1 }
    }

    private mutating func difference(_ client: Client, _ tokenizer: Tokenizer) -> String? {
        if case .rejected = client.log.events.first { return nil }
        if client.session != nil { counts["session", default: 0] += 1 }
        for choice in 0..<client.request.choices {
            let heard = client.log.choice(choice)
            guard let (reason, _, usage) = heard.finished else { return "no end" }
            if let text = unjust(usage.cachedTokens, client) { return text }
            counts[usage.cachedTokens > 0 ? "hit" : "miss", default: 0] += 1
            if usage.cachedTokens > 0, client.request.cache.policy != nil { counts["copied", default: 0] += 1 }
            counts["\(reason)", default: 0] += 1
            guard reason == .stop || reason == .length else { continue }
            let expected = Reference(
                client.request, choice: choice, maxNewTokens: client.request.stop.maxTokens ?? 0, model: model,
                tokenizer: tokenizer)
            if reason != expected.reason || heard.text != expected.text {
                return "got \(reason), \(heard.text.debugDescription) instead of \(expected)"
            }
        }
        return nil
    }

    /// Why so many tokens cannot have been found, or nil.
    private func unjust(_ cached: Int, _ client: Client) -> String? {
        let alike = clients.lazy.filter {
            $0.tenant.id == client.tenant.id && $0.request.cacheSalt == client.request.cacheSalt
                && ($0.id != client.id || client.request.choices > 1)
        }
        let common =
            alike.map { other in
                zip(other.request.prompt, client.request.prompt).prefix { $0 == $1 }.count
            }.max() ?? 0
        if client.request.promptLogprobs && cached > 0 { return "\(cached) tokens of a scored prompt were found" }
        guard cached <= min(common, client.request.prompt.count - 1) else {
            return "\(cached) tokens were found, others have \(common) in common"
        }
        return nil
    }
}
