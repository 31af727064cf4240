import Decoding
import Generation
import KVCaching
import TestSupport
import Testing

/// One prompt that fills many caches gives each the bits it would have alone.
@Suite struct SiblingTests {
    private static let promptTokens = 45
    private static let steps = 10

    /// Plans that can share a prompt: all policies and poolings at some budgets, the full cache among them.
    private static func plans(_ model: DecoderModel, positions: String, storage: String = "f16") throws -> [CachePlan] {
        var plans: [CachePlan] = []
        for request in PromiseTests.requests
        where request.storage == storage && request.policyParameters["positions"] == .text(positions) {
            for slots in [7, 20, 50] {
                var request = request
                if request.policy != "full" { request.budget = .tokens(slots) }
                plans.append(try PromiseTests.plan(request, model, prompt: promptTokens, new: steps))
                if request.policy == "full" { break }
            }
        }
        // Same policy, other scores.
        for parameters in [["seed": PolicyParameter.integer(9)], ["noise": .text("fixed")], ["noise": .text("none")]] {
            var request = KVCacheRequest()
            request.policy = "keyformer"
            request.budget = .tokens(20)
            request.storage = storage
            request.policyParameters = parameters
            request.policyParameters["positions"] = .text(positions)
            plans.append(try PromiseTests.plan(request, model, prompt: promptTokens, new: steps))
        }
        return plans.filter { $0.positions.rawValue == positions }
    }

    @Test(arguments: GoldenCase.architectures, [("original", "f16"), ("compact", "f16"), ("original", "q8")])
    func aSiblingHasTheBitsOfASequenceAlone(architecture: String, kind: (positions: String, storage: String)) throws {
        let model = try GoldenModel.load(architecture)
        let plans = try Self.plans(model, positions: kind.positions, storage: kind.storage)
        var random = SeededRandom(seed: 11)
        let prompt = PromiseTests.prompt(Self.promptTokens, seed: 6)
        let alone = try plans.map {
            try GreedyRun(PromiseTests.engine(model, threads: 1), prompt: prompt, plan: $0, steps: Self.steps)
        }
        // Whoever leads: one that stages the prompt, one whose lanes hold it, one without scores.
        for chunking in [Chunking.whole, .sevens] {
            let order = plans.indices.shuffled(using: &random)
            let family = order.map { plans[$0] }
            let arena = KVArena(capacityBytes: 1 << 28)
            let engine = try DecodeEngine(
                model: model, arena: arena,
                limits: DecodeEngine.Limits(maxSequences: family.count, maxRows: 16, threads: 2))
            let runs = FamilyRun(engine, prompt: prompt, plans: family, steps: Self.steps, chunking: chunking)
            for (index, run) in runs.sequences.enumerated() {
                let (plan, expected) = (family[index], alone[order[index]])
                if run.logits != expected.logits || run.kept != expected.kept {
                    Issue.record("\(plan.policyName) with \(plan.laneSlots) slots, \(plan.policy.pooling)")
                }
            }
            #expect(arena.usedBytes == 0)
        }
    }

    @Test func plansOfOtherEntriesShareNoPrompt() throws {
        let model = try GoldenModel.load("llama")
        func plan(_ positions: String, _ storage: String, prompt: Int = 45) throws -> CachePlan {
            var request = KVCacheRequest()
            request.policy = "h2o"
            request.budget = .tokens(20)
            request.storage = storage
            request.policyParameters["positions"] = .text(positions)
            return try PromiseTests.plan(request, model, prompt: prompt, new: 5)
        }
        let own = try plan("original", "f16")
        #expect(own.sharesPrompt(with: try plan("original", "f16")))
        #expect(!own.sharesPrompt(with: try plan("compact", "f16")))
        #expect(!own.sharesPrompt(with: try plan("original", "f32")))
        #expect(!own.sharesPrompt(with: try plan("original", "f16", prompt: 44)))
    }

    @Test func siblingsCostTheirLanesAndAtMostTheirScores() throws {
        let model = try GoldenModel.load("llama")
        let prompt = PromiseTests.prompt(Self.promptTokens, seed: 6)
        let plans = try Self.plans(model, positions: "original").filter { $0.policyName == "h2o" }
        let arena = KVArena(capacityBytes: 1 << 26)
        let engine = try DecodeEngine(
            model: model, arena: arena, limits: DecodeEngine.Limits(maxSequences: 1, maxRows: 16, threads: 1))
        let siblings = plans.indices.dropFirst().map {
            SequenceAdmission.Sibling(id: SequenceID(UInt64($0)), plan: plans[$0])
        }
        engine.admit(
            SequenceAdmission(
                id: SequenceID(0), prompt: prompt, plan: plans[0], promptLogits: false, siblings: siblings))
        // Two ways of joining heads: the leader's scores serve one, and one more set of them the other.
        let scores = plans[0].shape.kvHeads * Self.promptTokens * 4
        let steady = plans.reduce(0) { $0 + $1.steadyBytes }
        #expect(arena.usedBytes == steady + plans[0].stagingBytes + plans[0].activationBytes + scores)
        engine.run(
            StepBatch(prefill: [
                .init(sequence: SequenceID(0), layers: 0..<plans[0].shape.layerCount, rows: 0..<Self.promptTokens)
            ])
        ) { _, _ in }
        #expect(arena.usedBytes == steady)
        for index in plans.indices {
            #expect(engine.cache(of: SequenceID(UInt64(index))).brokenInvariant() == nil)
            engine.release(SequenceID(UInt64(index)))
        }
        #expect(arena.usedBytes == 0)
    }
}

/// One prompt under several plans, each decoded greedily.
struct FamilyRun {
    var sequences: [GreedyRun]

    init(_ engine: DecodeEngine, prompt: [TokenID], plans: [CachePlan], steps: Int, chunking: Chunking) {
        sequences = plans.map { _ in GreedyRun() }
        let ids = plans.indices.map { SequenceID(UInt64($0)) }
        engine.admit(
            SequenceAdmission(
                id: ids[0], prompt: prompt, plan: plans[0], promptLogits: false,
                siblings: plans.indices.dropFirst().map { .init(id: ids[$0], plan: plans[$0]) }))
        defer { for id in ids { engine.release(id) } }
        let pieces = chunking.pieces(
            ids[0], rows: prompt.count, layers: plans[0].shape.layerCount,
            byRows: plans.allSatisfy(\.passesByRows))
        for piece in pieces {
            run(engine, StepBatch(prefill: [piece]))
        }
        record(engine, ids, plans)
        while sequences[0].ids.count < steps {
            run(
                engine,
                StepBatch(
                    decode: ids.indices.map { index in
                        .init(sequence: ids[index], token: sequences[index].ids[sequences[index].ids.count - 1])
                    }))
            record(engine, ids, plans)
        }
    }

    private mutating func run(_ engine: DecodeEngine, _ batch: StepBatch) {
        engine.run(batch) { origin, row in
            guard case .next(let id) = origin else { return }
            let values = row.indices.map { row[$0] }
            sequences[Int(id.rawValue)].logits.append(values)
            sequences[Int(id.rawValue)].ids.append(TokenID(GreedyRun.argmax(values)))
        }
    }

    private mutating func record(_ engine: DecodeEngine, _ ids: [SequenceID], _ plans: [CachePlan]) {
        for (index, id) in ids.enumerated() { sequences[index].record(engine, id, plans[index].shape) }
    }
}
