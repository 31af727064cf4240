import Generation
import KVCaching
import Scheduling
import SessionFiles
import TestSupport
import Testing

@testable import Serving

/// Seeded days of sessions beside ordinary requests, in a pool that is too small: turns, forks, files, budgets, ends,
/// cancels, waits. Whoever's session is there gets the text of one long request, and bytes are where the books say.
@Suite struct SessionSimulationTests {
    @Test(arguments: UInt64(0)..<60)
    func sessionsKeepTheirPromises(seed: UInt64) throws {
        if let failure = try SessionSimulation.run(seed: seed).failure { Issue.record("seed \(seed): \(failure)") }
    }

    @Test(arguments: SessionMutation.allCases)
    func aMistakeIsFound(mutation: SessionMutation) throws {
        let found = try (UInt64(0)..<40).contains { seed in
            try SessionSimulation.run(seed: seed, mutation: mutation).failure != nil
        }
        #expect(found)
    }

    @Test func theSimulationSimulates() throws {
        var counts: [String: Int] = [:]
        for seed in UInt64(0)..<60 {
            counts.merge(try SessionSimulation.run(seed: seed).counts, uniquingKeysWith: +)
        }
        for what in [
            "turn", "laterTurn", "diverged", "busy", "lru", "ttl", "fork", "restore", "shrink", "delete", "cancelled",
            "rebase", "queueFull",
        ] {
            #expect(counts[what, default: 0] > 0, "\(what): \(counts)")
        }
    }
}

struct SessionSimulation {
    private(set) var failure: String?
    private(set) var counts: [String: Int] = [:]

    private struct Talk {
        let key: SessionKey
        /// All that was said and is in the session, the last token included; what comes next is added to it.
        var tokens: [TokenID] = []
        var running: (log: EventLog, request: GenerationRequest, id: RequestID)?
        /// The session may have lost its tokens.
        var isUncertain = false
    }

    private var random: SeededRandom
    private let harness: LoopHarness
    private var talks: [Talk] = []
    private var others: [EventLog] = []
    private var saved: [(session: SavedSession, tokens: [TokenID])] = []
    private var nextName = 0

    static func run(seed: UInt64, mutation: SessionMutation? = nil) throws -> SessionSimulation {
        var simulation = try SessionSimulation(seed: seed, mutation: mutation)
        try simulation.run()
        return simulation
    }

    private init(seed: UInt64, mutation: SessionMutation?) throws {
        random = SeededRandom(seed: seed)
        var limits = SessionLimits()
        limits.most = Int.random(in: 3...12, using: &random)
        limits.timeToLive = .seconds(Int.random(in: 1...20, using: &random))
        harness = try LoopHarness(
            maxSequences: Int.random(in: 1...4, using: &random), maxQueued: Int.random(in: 2...8, using: &random),
            maxRows: Int.random(in: 1...40, using: &random),
            poolBytes: Int.random(in: 20...80, using: &random) * 1024, context: 120, sessions: limits,
            mutation: mutation)
    }

    private mutating func run() throws {
        for _ in 0..<Int.random(in: 50...200, using: &random) where failure == nil {
            try happen()
            harness.turn()
            check()
        }
        failure = failure ?? harness.runUntilIdle()
        check()
        for owner in Self.owners {
            guard case .sessions(let reports) = try harness.perform(.list(owner)) else { continue }
            for report in reports { try harness.perform(.delete(SessionKey(owner: owner, id: report.id))) }
        }
        failure = failure ?? others.lazy.compactMap { $0.complaint() }.first ?? harness.record.complaint()
        if !harness.liveRequests.isZero { failure = failure ?? "requests are still counted as live" }
    }

    private static let owners = [
        SessionOwner.anonymous, SessionOwner(name: "a", tenant: Tenant(id: 1, mostBytes: 40 * 1024)),
    ]

    // MARK: Events

    private mutating func happen() throws {
        switch Int.random(in: 0..<22, using: &random) {
        case 0, 1: create()
        case 2..<10: try takeTurn()
        case 10: fork()
        case 11: save()
        case 12: restore()
        case 13: change()
        case 14: delete()
        case 15: cancel()
        case 16: harness.time += .milliseconds(Int.random(in: 0...4000, using: &random))
        case 17...19: submitOther()
        default: break
        }
    }

    private mutating func name() -> String {
        nextName += 1
        return "s\(nextName)"
    }

    private mutating func create() {
        let key = SessionKey(owner: Self.owners.randomElement(using: &random) ?? .anonymous, id: name())
        var cache = KVCacheRequest()
        if Bool.random(using: &random) {
            cache.policy = "window"
            cache.budget = .tokens(Int.random(in: 4...30, using: &random))
        }
        guard (try? harness.makeSession(key.id, owner: key.owner, cache: cache)) != nil else { return }
        talks.append(Talk(key: key))
    }

    private mutating func takeTurn() throws {
        guard let index = talks.indices.randomElement(using: &random) else { return }
        var talk = talks[index]
        let news = (0..<Int.random(in: 1...20, using: &random)).map { _ in
            TokenID.random(in: 0..<TokenID(TinyVocabulary.size), using: &random)
        }
        var prompt = talk.tokens + news
        var mode = SessionTurn.Mode.append
        if Int.random(in: 0..<8, using: &random) == 0, !talk.tokens.isEmpty {
            prompt[0] = prompt[0] == 7 ? 8 : 7
            if Bool.random(using: &random) { mode = .rebase }
        }
        var request = GenerationRequest.greedy(prompt, maxTokens: Int.random(in: 1...8, using: &random))
        request.logprobs = 0
        guard let (id, log) = try? harness.submit(request, in: talk.key.id, owner: talk.key.owner, mode: mode) else {
            // The context is full: somebody else's turn.
            talks.remove(at: index)
            return
        }
        count(talk.tokens.isEmpty ? "turn" : "laterTurn")
        if mode == .rebase { count("rebase") }
        guard talk.running == nil else {
            others.append(log)
            return
        }
        if prompt.first != talk.tokens.first ?? prompt.first, mode == .append {
            others.append(log)
            return
        }
        talk.running = (log, request, id)
        talks[index] = talk
    }

    private mutating func fork() {
        guard let talk = talks.filter({ $0.running == nil && !$0.isUncertain }).randomElement(using: &random) else {
            return
        }
        let id = name()
        let fork = SessionFork(id: id, createdAt: 0)
        guard (try? harness.perform(.fork(talk.key, fork, harness.newSequence()))) != nil else { return }
        count("fork")
        talks.append(Talk(key: SessionKey(owner: talk.key.owner, id: id), tokens: talk.tokens))
    }

    private mutating func save() {
        guard let talk = talks.filter({ $0.running == nil && !$0.isUncertain }).randomElement(using: &random),
            case .saved(let session)? = try? harness.perform(.beginSaving(talk.key))
        else { return }
        saved.append((session, talk.tokens))
        _ = try? harness.perform(.endSaving(talk.key))
    }

    private mutating func restore() {
        guard let (session, tokens) = saved.randomElement(using: &random) else { return }
        let key = SessionKey(owner: Self.owners.randomElement(using: &random) ?? .anonymous, id: name())
        let spec = SessionSpec(id: key.id, createdAt: 0)
        guard (try? harness.perform(.restore(session, spec, key.owner, harness.newSequence()))) != nil else { return }
        count("restore")
        talks.append(Talk(key: key, tokens: tokens))
    }

    private mutating func change() {
        guard let talk = talks.randomElement(using: &random) else { return }
        var change = SessionChange()
        change.budget = .tokens(Int.random(in: 2...20, using: &random))
        guard (try? harness.perform(.change(talk.key, change))) != nil else { return }
        count("shrink")
    }

    private mutating func delete() {
        guard let index = talks.indices.randomElement(using: &random) else { return }
        guard (try? harness.perform(.delete(talks[index].key))) != nil else { return }
        count("delete")
        if let running = talks[index].running { others.append(running.log) }
        talks.remove(at: index)
    }

    private mutating func cancel() {
        guard let index = talks.indices.filter({ talks[$0].running != nil }).randomElement(using: &random),
            let running = talks[index].running
        else { return }
        count("cancelled")
        harness.cancel(running.id)
        talks[index].isUncertain = true
    }

    private mutating func submitOther() {
        let prompt = Array(repeating: TokenID(261), count: Int.random(in: 1...60, using: &random))
        guard let (_, log) = try? harness.submit(.greedy(prompt, maxTokens: Int.random(in: 1...8, using: &random)))
        else { return }
        others.append(log)
    }

    // MARK: Promises

    private mutating func check() {
        harness.loop.audit()
        let (used, books) = (harness.record.arena.usedBytes, harness.loop.scheduler.statistics)
        if used > books.reservedBytes + books.heldBytes {
            fail("\(used) bytes used, \(books.reservedBytes) reserved and \(books.heldBytes) held")
        }
        for log in others {
            if case .rejected(let rejection) = log.events.first { count(rejection) }
        }
        others.removeAll { log in
            if case .rejected = log.events.first { true } else { false }
        }
        for index in talks.indices.reversed() {
            guard let running = talks[index].running, running.log.isFinished else { continue }
            finish(index, running.log, running.request)
        }
    }

    private mutating func finish(_ index: Int, _ log: EventLog, _ request: GenerationRequest) {
        talks[index].running = nil
        if case .rejected(let rejection) = log.events.first {
            count(rejection)
            switch rejection {
            case .session(.expired), .session(.notFound): talks.remove(at: index)
            case .session(.diverged(let held, _)) where !talks[index].isUncertain:
                fail("\(talks[index].key.id) diverged from \(held) tokens")
            case .session(.nothingNew):
                fail("nothing new in a longer prompt")
            case .unplannable: talks.remove(at: index)
            default: break
            }
            return
        }
        let heard = log.choice()
        guard let (reason, _, usage) = heard.finished else { return fail("no end") }
        guard reason == .length else {
            if reason != .cancelled { fail("ended with \(reason)") }
            talks.remove(at: index)
            return
        }
        guard let tokenizer = try? TinyVocabulary.tokenizer() else { return fail("no tokenizer") }
        let expected = Reference(
            request, choice: 0, maxNewTokens: request.stop.maxTokens ?? 0, model: FakeModel(), tokenizer: tokenizer)
        if heard.tokens.map(\.token) != expected.tokens {
            fail("\(talks[index].key.id): \(heard.text) instead of \(expected.text), \(usage.cachedTokens) cached")
        }
        talks[index].tokens = request.prompt + heard.tokens.map(\.token)
    }

    private mutating func count(_ rejection: Rejection) {
        switch rejection {
        case .session(.diverged): count("diverged")
        case .session(.busy): count("busy")
        case .session(.expired(_, .lru)): count("lru")
        case .session(.expired(_, .ttl)): count("ttl")
        case .queueFull: count("queueFull")
        default: count("otherRejection")
        }
    }

    private mutating func fail(_ text: String) { failure = failure ?? text }

    private mutating func count(_ what: String) { counts[what, default: 0] += 1 }
}
