import Decoding
import Generation
import KVCaching
import Kernels
import Tensors
import TestSupport
import Testing

/// The promises of ARCHITECTURE section 1 on the tiny golden models: budget as a contract, full budget = full
/// attention bit for bit, batch invariance.
@Suite struct PromiseTests {
    static let requests: [KVCacheRequest] = PolicyTable.names.flatMap { name in
        (["h2o", "keyformer", "random"].contains(name) ? poolings : [[:]]).flatMap { pooling in
            ["original", "compact"].flatMap { positions in
                KVCacheRequest.storages.map { storage in
                    var request = KVCacheRequest()
                    request.policy = name
                    request.storage = storage
                    request.policyParameters = pooling
                    request.policyParameters["positions"] = .text(positions)
                    return request
                }
            }
        }
    }

    /// Ways of joining scores before a choice.
    static let poolings: [[String: PolicyParameter]] = [
        [:], ["choose_per": .text("layer"), "neighbourhood": .integer(2)],
        ["reduce_heads": .text("max"), "neighbourhood": .integer(64)],
    ]

    static func plan(
        _ request: KVCacheRequest, _ model: DecoderModel, prompt: Int, new: Int
    ) throws -> CachePlan {
        try PolicyTable.plan(
            request, defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: new,
            shape: model.configuration.cacheShape, usesRoPE: model.configuration.usesRoPE)
    }

    static func engine(_ model: DecoderModel, threads: Int = 2, rows: Int = 16) throws -> DecodeEngine {
        try DecodeEngine(
            model: model, arena: KVArena(capacityBytes: 1 << 26),
            limits: DecodeEngine.Limits(maxSequences: 16, maxRows: rows, threads: threads))
    }

    static func prompt(_ count: Int, seed: UInt64) -> [TokenID] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in TokenID.random(in: 0..<256, using: &random) }
    }

    @Test(arguments: GoldenCase.architectures)
    func aBudgetThatIsNeverReachedGivesTheBitsOfFull(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let prompt = Self.prompt(40, seed: 1)
        for storage in KVCacheRequest.storages {
            var full = KVCacheRequest()
            full.policy = "full"
            full.storage = storage
            let expected = try GreedyRun(
                Self.engine(model), prompt: prompt, plan: try Self.plan(full, model, prompt: 40, new: 12), steps: 12)
            for var request in Self.requests where request.storage == storage {
                request.budget = .tokens(51)
                let run = try GreedyRun(
                    Self.engine(model, threads: 1), prompt: prompt,
                    plan: try Self.plan(request, model, prompt: 40, new: 12), steps: 12, chunking: .sevens)
                #expect(run.logits == expected.logits, "\(request)")
            }
        }
    }

    /// Before the first eviction an evicting cache computes what a full one does, also where positions will be compact.
    @Test(arguments: GoldenCase.architectures)
    func untilTheFirstEvictionTheBitsAreThoseOfFull(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let prompt = Self.prompt(20, seed: 2)
        for var request in Self.requests where request.policy != "full" {
            var full = KVCacheRequest()
            full.policy = "full"
            full.storage = request.storage
            let expected = try GreedyRun(
                Self.engine(model), prompt: prompt, plan: try Self.plan(full, model, prompt: 20, new: 30), steps: 12)
            request.budget = .tokens(32)
            let run = try GreedyRun(
                Self.engine(model), prompt: prompt, plan: try Self.plan(request, model, prompt: 20, new: 30), steps: 12)
            #expect(run.logits == expected.logits, "\(request)")
        }
    }

    /// Sequences of all policies and random budgets together, with prompts in pieces, against each alone.
    @Test(arguments: GoldenCase.architectures)
    func aSequenceDoesNotDependOnItsBatch(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        var random = SeededRandom(seed: 3)
        var entries: [(id: SequenceID, prompt: [TokenID], plan: CachePlan)] = []
        for (index, request) in Self.requests.enumerated() where index % 3 == 0 {
            var request = request
            let length = Int.random(in: 1...50, using: &random)
            if request.policy != "full" { request.budget = .tokens(Int.random(in: 6...40, using: &random)) }
            entries.append(
                (
                    SequenceID(UInt64(index)), Self.prompt(length, seed: UInt64(index)),
                    try Self.plan(request, model, prompt: length, new: 10)
                ))
        }
        let together = try BatchRun(Self.engine(model, threads: 2, rows: 24), entries, steps: 10, random: &random)
        for entry in entries {
            let alone = try GreedyRun(
                Self.engine(model, threads: 1, rows: 64), prompt: entry.prompt, plan: entry.plan, steps: 10)
            #expect(together.logits[entry.id] == alone.logits, "\(entry.plan.policyName) \(entry.id)")
        }
    }

    /// Random budgets, prompts and early releases: bytes are exactly those planned, invariants hold, all memory comes
    /// back.
    @Test(arguments: UInt64(0)..<20)
    func noSequenceHoldsMoreThanItsPlan(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let model = try GoldenModel.load(GoldenCase.architectures[Int(seed % 4)])
        let arena = KVArena(capacityBytes: 1 << 26)
        let engine = try DecodeEngine(
            model: model, arena: arena, limits: DecodeEngine.Limits(maxSequences: 4, maxRows: 32, threads: 1))
        for round in 0..<6 {
            var request = try #require(Self.requests.randomElement(using: &random))
            let length = Int.random(in: 1...60, using: &random)
            if request.policy != "full" { request.budget = .tokens(Int.random(in: 5...70, using: &random)) }
            let plan = try Self.plan(request, model, prompt: length, new: 20)
            let id = SequenceID(UInt64(round))
            engine.admit(
                SequenceAdmission(id: id, prompt: Self.prompt(length, seed: seed), plan: plan, promptLogits: false))
            #expect(arena.usedBytes == plan.peakBytes)
            let steps = Int.random(in: 0...19, using: &random)
            let pieces = Chunking.sevens.pieces(
                id, rows: length, layers: plan.shape.layerCount, byRows: plan.passesByRows)
            let fed = steps == 0 ? Array(pieces.prefix(Int.random(in: 0..<pieces.count, using: &random))) : pieces
            for piece in fed { engine.run(StepBatch(prefill: [piece])) { _, _ in } }
            for _ in 0..<steps {
                engine.run(StepBatch(decode: [.init(sequence: id, token: 7)])) { _, _ in }
                if let broken = engine.cache(of: id).brokenInvariant() { Issue.record("seed \(seed): \(broken)") }
                #expect(arena.usedBytes == plan.steadyBytes)
            }
            #expect(engine.usage(of: id).peakBytes <= plan.steadyBytes + plan.stagingBytes)
            engine.release(id)
            #expect(arena.usedBytes == 0)
        }
    }

    @Test func promptLogitsAreTheLogitsOfEveryPrefix() throws {
        let model = try GoldenModel.load("llama")
        let prompt = Self.prompt(23, seed: 5)
        let engine = try Self.engine(model)
        let plan = try Self.plan(KVCacheRequest(), model, prompt: 23, new: 1)
        var rows: [Int: [Float]] = [:]
        engine.admit(SequenceAdmission(id: SequenceID(1), prompt: prompt, plan: plan, promptLogits: true))
        let pieces = Chunking.sevens.pieces(
            SequenceID(1), rows: 23, layers: plan.shape.layerCount, byRows: plan.passesByRows)
        for piece in pieces {
            engine.run(StepBatch(prefill: [piece])) { origin, logits in
                switch origin {
                case .prompt(_, let row): rows[row] = logits.indices.map { logits[$0] }
                case .next: rows[22] = logits.indices.map { logits[$0] }
                }
            }
        }
        #expect(rows.count == 23)
        for length in 1...23 {
            let prefix = try GreedyRun(
                Self.engine(model), prompt: Array(prompt.prefix(length)),
                plan: try Self.plan(KVCacheRequest(), model, prompt: length, new: 1), steps: 1)
            #expect(rows[length - 1] == prefix.logits[0])
        }
    }
}

/// Many sequences through one engine, prompts in random pieces beside the decode rows of the others.
struct BatchRun {
    var logits: [SequenceID: [[Float]]] = [:]

    init(
        _ engine: DecodeEngine, _ entries: [(id: SequenceID, prompt: [TokenID], plan: CachePlan)], steps: Int,
        random: inout SeededRandom
    ) {
        var pending: [SequenceID: [PrefillPiece]] = [:]
        for entry in entries {
            engine.admit(SequenceAdmission(id: entry.id, prompt: entry.prompt, plan: entry.plan, promptLogits: false))
            let chunking = Chunking.allCases.randomElement(using: &random) ?? .whole
            pending[entry.id] = chunking.pieces(
                entry.id, rows: entry.prompt.count, layers: entry.plan.shape.layerCount,
                byRows: entry.plan.passesByRows)
        }
        while logits.values.contains(where: { $0.count < steps }) || logits.count < entries.count {
            var batch = StepBatch()
            for entry in entries where Bool.random(using: &random) {
                if pending[entry.id]?.isEmpty == false, let piece = pending[entry.id]?.removeFirst() {
                    batch.prefill.append(piece)
                } else if let rows = logits[entry.id], rows.count < steps, let last = rows.last {
                    batch.decode.append(.init(sequence: entry.id, token: TokenID(GreedyRun.argmax(last))))
                }
            }
            engine.run(batch) { origin, row in
                guard case .next(let id) = origin else { return }
                logits[id, default: []].append(row.indices.map { row[$0] })
            }
        }
        for entry in entries { engine.release(entry.id) }
    }
}
