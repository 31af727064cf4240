import Decoding
import Generation
import KVCaching
import Kernels
import TestSupport
import Testing

/// Conversations whose cache is kept between requests (`CacheTurn`).
@Suite struct TurnTests {
    /// One turn: tokens that the cache has not seen, and how many are generated.
    struct Turn {
        var tokens: [TokenID]
        var steps: Int
    }

    /// Greedy turns of one conversation on an engine. The token sampled last in a turn begins the next one.
    struct Conversation {
        let engine: DecodeEngine
        let arena: KVArena
        let request: KVCacheRequest
        var chunking = Chunking.whole
        var history: CacheHistory?
        var id = SequenceID(0)
        /// All tokens that the cache was fed.
        var fed: [TokenID] = []
        var pending: TokenID?
        var complaint: String?

        init(
            _ model: DecoderModel, _ request: KVCacheRequest, threads: Int = 2, rows: Int = 16,
            chunking: Chunking = .whole
        ) throws {
            arena = KVArena(capacityBytes: 1 << 26)
            engine = try DecodeEngine(
                model: model, arena: arena,
                limits: DecodeEngine.Limits(maxSequences: 4, maxRows: rows, threads: threads))
            self.request = request
            self.chunking = chunking
        }

        func plan(_ tokens: Int, _ steps: Int, _ request: KVCacheRequest? = nil) throws -> CachePlan {
            let configuration = engine.model.configuration
            return try PolicyTable.plan(
                request ?? self.request, defaults: KVCacheRequest(), promptTokens: tokens, maxNewTokens: steps,
                shape: configuration.cacheShape, usesRoPE: configuration.usesRoPE,
                turn: CacheTurn(history: history, mostTokens: 500))
        }

        /// The turn's logits and, by call, what was kept.
        mutating func take(_ turn: Turn, planned: Int? = nil) throws -> GreedyRun {
            let tokens = (pending.map { [$0] } ?? []) + turn.tokens
            let plan = try plan(tokens.count, planned ?? turn.steps)
            let continued = history == nil ? nil : id
            let next = SequenceID(id.rawValue + 1)
            let before = arena.usedBytes
            engine.admit(
                SequenceAdmission(id: next, prompt: tokens, plan: plan, promptLogits: false, continued: continued))
            id = next
            check(arena.usedBytes <= plan.peakBytes, "\(arena.usedBytes) bytes of \(plan.peakBytes) after \(before)")
            var run = GreedyRun()
            let pieces = chunking.pieces(
                id, rows: tokens.count, layers: plan.shape.layerCount, byRows: plan.passesByRows)
            for piece in pieces { compute(StepBatch(prefill: [piece]), &run) }
            run.record(engine, id, plan.shape)
            checkSteady(plan)
            while run.ids.count < turn.steps, let last = run.ids.last {
                compute(StepBatch(decode: [.init(sequence: id, token: last)]), &run)
                run.record(engine, id, plan.shape)
                checkSteady(plan)
            }
            let history = engine.keep(id)
            check(history.bytes <= plan.steadyBytes, "\(history.bytes) bytes kept of \(plan.steadyBytes)")
            check(arena.usedBytes == history.bytes, "\(arena.usedBytes) bytes used, \(history.bytes) kept")
            fed += tokens + run.ids.dropLast()
            check(history.fedTokens == fed.count, "\(history.fedTokens) of \(fed.count) tokens fed")
            pending = run.ids.last
            self.history = history
            return run
        }

        private mutating func checkSteady(_ plan: CachePlan) {
            check(arena.usedBytes == plan.steadyBytes, "\(arena.usedBytes) bytes, not \(plan.steadyBytes)")
            if let broken = engine.cache(of: id).brokenInvariant() { complaint = complaint ?? broken }
        }

        private mutating func check(_ holds: Bool, _ text: String) {
            if !holds { complaint = complaint ?? text }
        }

        private func compute(_ batch: StepBatch, _ run: inout GreedyRun) {
            engine.run(batch) { _, row in
                let values = row.indices.map { row[$0] }
                run.logits.append(values)
                run.ids.append(TokenID(GreedyRun.argmax(values)))
            }
        }
    }

    private static func turns(_ sizes: [(Int, Int)], seed: UInt64 = 1) -> [Turn] {
        sizes.enumerated().map { index, size in
            Turn(tokens: PromiseTests.prompt(size.0, seed: seed + UInt64(index)), steps: size.1)
        }
    }

    private static func evicting(_ name: String, _ budget: KVBudgetRequest, positions: String = "original")
        -> KVCacheRequest
    {
        var request = KVCacheRequest()
        request.policy = name
        request.budget = budget
        request.policyParameters["positions"] = .text(positions)
        return request
    }

    // MARK: Full caches

    /// Full, and all policies under a budget that is never reached.
    @Test(arguments: GoldenCase.architectures)
    func turnsThatEvictNothingGiveTheBitsOfOneRequest(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let turns = Self.turns([(9, 6), (1, 5), (20, 8)])
        for storage in KVCacheRequest.storages {
            var full = KVCacheRequest()
            full.policy = "full"
            full.storage = storage
            for var request in PromiseTests.requests where request.storage == storage {
                if request.policy != "full" { request.budget = .tokens(60) }
                var conversation = try Conversation(
                    model, request, threads: 1, chunking: request.policy == "window" ? .singleRows : .sevens)
                for turn in turns {
                    let run = try conversation.take(turn, planned: turn.steps + 3)
                    let tokens = Array(conversation.fed.dropLast(turn.steps - 1))
                    let whole = try GreedyRun(
                        PromiseTests.engine(model), prompt: tokens,
                        plan: try PromiseTests.plan(full, model, prompt: tokens.count, new: turn.steps),
                        steps: turn.steps)
                    #expect(run.logits == whole.logits, "\(request), turn of \(turn.tokens.count)")
                }
                #expect(conversation.complaint == nil, "\(request)")
            }
        }
    }

    /// Every query gives each head's scores a sum of 1, over all turns.
    @Test func scoresAreAddedUpOverAllTurns() throws {
        let model = try GoldenModel.load("llama")
        let shape = model.configuration.cacheShape
        for name in ["h2o", "keyformer"] {
            var conversation = try Conversation(model, Self.evicting(name, .tokens(100)))
            for turn in Self.turns([(9, 6), (1, 5), (20, 8)]) {
                _ = try conversation.take(turn)
                let cache = conversation.engine.cache(of: conversation.id)
                for layer in 0..<shape.layerCount {
                    let sum = cache.scores(layer: layer, kvHead: 0).reduce(0, +)
                    #expect(abs(sum - Float(conversation.fed.count * shape.groupSize)) < 1e-3, "\(name): \(sum)")
                }
            }
        }
    }

    // MARK: Evicting caches

    static let evictingRequests: [KVCacheRequest] = PromiseTests.requests.filter {
        $0.policy != "full" && ["f16", "q8"].contains($0.storage)
    }

    /// Neither pieces of the turn's prompt nor threads nor rows per step change a bit.
    @Test(arguments: GoldenCase.architectures)
    func aTurnDoesNotDependOnPiecesOrThreads(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let turns = Self.turns([(21, 6), (3, 5), (30, 4), (1, 3)])
        for var request in Self.evictingRequests {
            for budget in [KVBudgetRequest.tokens(12), .ratio(millionths: 500_000)] {
                request.budget = budget
                var expected: [GreedyRun] = []
                for (chunking, threads, rows) in [(Chunking.whole, 1, 64), (.sevens, 2, 8), (.singleRows, 2, 16)] {
                    var conversation = try Conversation(
                        model, request, threads: threads, rows: rows, chunking: chunking)
                    let runs = try turns.map { try conversation.take($0) }
                    if expected.isEmpty { expected = runs }
                    #expect(runs == expected, "\(request) \(chunking)")
                    #expect(conversation.complaint == nil, "\(request)")
                }
            }
        }
    }

    /// Other conversations and requests in the same steps change nothing.
    @Test func aTurnDoesNotDependOnItsBatch() throws {
        let model = try GoldenModel.load("llama")
        let request = Self.evicting("keyformer", .tokens(10))
        let turns = Self.turns([(21, 6), (13, 5)])
        var alone = try Conversation(model, request)
        let expected = try turns.map { try alone.take($0) }
        var beside = try Conversation(model, request)
        let other = SequenceID(1000)
        let plan = try PromiseTests.plan(request, model, prompt: 25, new: 40)
        beside.engine.admit(
            SequenceAdmission(
                id: other, prompt: PromiseTests.prompt(25, seed: 9), plan: plan, promptLogits: false))
        _ = try beside.take(turns[0])
        let id = SequenceID(500)
        let next = try beside.plan(1 + turns[1].tokens.count, turns[1].steps)
        let tokens = [try #require(beside.pending)] + turns[1].tokens
        beside.engine.admit(
            SequenceAdmission(id: id, prompt: tokens, plan: next, promptLogits: false, continued: beside.id))
        var logits: [[Float]] = []
        for layer in 0..<next.shape.layerCount {
            let pieces = [
                PrefillPiece(sequence: other, layers: layer..<layer + 1, rows: 0..<25),
                PrefillPiece(sequence: id, layers: layer..<layer + 1, rows: 0..<tokens.count),
            ]
            beside.engine.run(StepBatch(prefill: pieces)) { origin, row in
                if case .next(id) = origin { logits.append(row.indices.map { row[$0] }) }
            }
        }
        while logits.count < turns[1].steps, let last = logits.last {
            beside.engine.run(
                StepBatch(decode: [
                    .init(sequence: other, token: 3), .init(sequence: id, token: TokenID(GreedyRun.argmax(last))),
                ])
            ) { origin, row in
                if case .next(id) = origin { logits.append(row.indices.map { row[$0] }) }
            }
        }
        #expect(logits == expected[1].logits)
    }

    /// The structural policies leave no doubt about what a turn keeps.
    @Test func windowAndSinksKeepWhatTheySay() throws {
        let model = try GoldenModel.load("llama")
        for (name, sinks) in [("window", 0), ("streaming", 4)] {
            var conversation = try Conversation(model, Self.evicting(name, .tokens(10)))
            var fed = 0
            for turn in Self.turns([(21, 6), (3, 5), (30, 4)]) {
                let run = try conversation.take(turn)
                fed += turn.tokens.count + (fed == 0 ? 0 : 1)
                for call in run.kept.indices {
                    let end = fed + call
                    let kept = Array(0..<sinks) + Array(end - (10 - sinks)..<end)
                    #expect(run.kept[call].allSatisfy { $0.allSatisfy { $0 == kept } }, "\(name), call \(call)")
                }
                fed += turn.steps - 1
            }
        }
    }

    /// What a turn keeps of the past is what the turn before kept; the recent window is complete.
    @Test func aTurnKeepsNothingThatWasGone() throws {
        let model = try GoldenModel.load("llama")
        for var request in Self.evictingRequests where request.storage == "f16" {
            request.budget = .tokens(14)
            var conversation = try Conversation(model, request)
            var before: [[[Int]]] = []
            var fed = 0
            for turn in Self.turns([(40, 6), (7, 9), (25, 4)]) {
                let run = try conversation.take(turn)
                for (layer, lanes) in run.kept[0].enumerated() where !before.isEmpty {
                    for (kvHead, kept) in lanes.enumerated() {
                        let old = Set(kept.filter { $0 < fed })
                        #expect(old.isSubset(of: before[layer][kvHead]), "\(request)")
                    }
                }
                before = try #require(run.kept.last)
                fed = conversation.fed.count
            }
        }
    }

    // MARK: Layers with windows

    @Test(arguments: ["mistral", "qwen2-window", "gemma2", "gemma3", "phi3", "phi3-longrope"])
    func layersWithWindowsTakeTurns(family: String) throws {
        let model = try FamilyVector(family).model
        var random = SeededRandom(seed: 4)
        for name in ["full", "window", "h2o", "keyformer"] {
            for budget in name == "full" ? [nil] : [5, 9, 14, 30] {
                var request = KVCacheRequest()
                request.policy = name
                request.budget = budget.map { .tokens($0) }
                let turns = Self.turns(
                    (0..<4).map { _ in (Int.random(in: 1...17, using: &random), Int.random(in: 1...9, using: &random)) }
                )
                var whole = try Conversation(model, request, threads: 1, rows: 64)
                var pieces = try Conversation(model, request, threads: 2, rows: 8, chunking: .sevens)
                for turn in turns {
                    #expect(try whole.take(turn) == pieces.take(turn), "\(name) \(budget ?? 0)")
                }
                #expect(whole.complaint == nil && pieces.complaint == nil, "\(name) \(budget ?? 0)")
            }
        }
    }

    // MARK: Forks, budgets, endings

    @Test func aForkGoesOnWithTheBitsOfItsOriginal() throws {
        let model = try GoldenModel.load("llama")
        var original = try Conversation(model, Self.evicting("keyformer", .tokens(10)))
        let turns = Self.turns([(21, 6), (13, 5), (4, 4)])
        _ = try original.take(turns[0])
        let bytes = original.arena.usedBytes
        original.engine.fork(original.id, as: SequenceID(900))
        #expect(original.arena.usedBytes == 2 * bytes)
        original.engine.fork(SequenceID(900), as: SequenceID(800))
        original.engine.release(SequenceID(900))
        var fork = original
        fork.id = SequenceID(800)
        original.engine.release(original.id)
        let forked = try fork.take(turns[1])
        var other = try Conversation(model, Self.evicting("keyformer", .tokens(10)))
        _ = try other.take(turns[0])
        #expect(try other.take(turns[1]) == forked)
    }

    @Test func aSmallerBudgetEvictsAtOnce() throws {
        let model = try GoldenModel.load("llama")
        for var request in Self.evictingRequests where request.storage == "f16" {
            request.budget = .tokens(30)
            var conversation = try Conversation(model, request)
            _ = try conversation.take(Self.turns([(40, 6)])[0])
            var smaller = request
            smaller.budget = .tokens(9)
            let positions = conversation.engine.cache(of: conversation.id).keptPositions(layer: 0, kvHead: 0)
            let history = conversation.engine.shrink(
                conversation.id, to: try conversation.plan(1, 1, smaller))
            #expect(history.slots.allSatisfy { $0 == 9 } && history.fedTokens == 45)
            #expect(conversation.arena.usedBytes == history.bytes)
            let kept = conversation.engine.cache(of: conversation.id).keptPositions(layer: 0, kvHead: 0)
            #expect(kept.count == 9 && Set(kept).isSubset(of: positions))
            conversation.history = history
            _ = try conversation.take(Turn(tokens: PromiseTests.prompt(12, seed: 7), steps: 5))
            #expect(conversation.complaint == nil, "\(request)")
        }
    }

    /// Random conversations: bytes as planned, invariants, nothing left behind.
    @Test(arguments: UInt64(0)..<20)
    func noTurnHoldsMoreThanItsPlan(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let model = try GoldenModel.load(GoldenCase.architectures[Int(seed % 4)])
        for _ in 0..<4 {
            var request = try #require(PromiseTests.requests.randomElement(using: &random))
            if request.policy != "full" {
                request.budget =
                    Bool.random(using: &random)
                    ? .tokens(Int.random(in: 5...70, using: &random))
                    : .ratio(millionths: Int.random(in: 400_000...1_000_000, using: &random))
            }
            var conversation = try Conversation(model, request, chunking: .sevens)
            for _ in 0..<4 {
                let steps = Int.random(in: 1...10, using: &random)
                let turn = Turn(
                    tokens: PromiseTests.prompt(Int.random(in: 12...30, using: &random), seed: seed), steps: steps)
                _ = try conversation.take(turn, planned: steps + Int.random(in: 0...10, using: &random))
                if let complaint = conversation.complaint { Issue.record("seed \(seed), \(request): \(complaint)") }
            }
            conversation.engine.release(conversation.id)
            #expect(conversation.arena.usedBytes == 0)
        }
    }
}
