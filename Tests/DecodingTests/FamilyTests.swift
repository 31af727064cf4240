import Decoding
import Generation
import KVCaching
import TestSupport
import Testing

/// Every family against transformers, and the promises of ARCHITECTURE section 1 on each.
@Suite struct FamilyTests {
    private static func request(_ policy: String, budget: Int? = nil, storage: String = "f32") -> KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = policy
        request.storage = storage
        request.budget = budget.map { .tokens($0) }
        return request
    }

    /// The logits that follow each id: `prompt` ids in one piece, the others decoded.
    static func rows(_ vector: FamilyVector, prompt: Int) throws -> [[Float]] {
        let plan = try PromiseTests.plan(
            request("full"), vector.model, prompt: prompt, new: vector.ids.count - prompt + 1)
        let engine = try PromiseTests.engine(vector.model, rows: 64)
        let id = SequenceID(1)
        engine.admit(
            SequenceAdmission(id: id, prompt: Array(vector.ids[..<prompt]), plan: plan, promptLogits: true))
        var rows = Array(repeating: [Float](), count: vector.ids.count)
        let layers = 0..<vector.model.configuration.layerCount
        engine.run(StepBatch(prefill: [PrefillPiece(sequence: id, layers: layers, rows: 0..<prompt)])) { origin, row in
            let values = row.indices.map { row[$0] }
            if case .prompt(_, let index) = origin { rows[index] = values } else { rows[prompt - 1] = values }
        }
        for index in prompt..<vector.ids.count {
            engine.run(StepBatch(decode: [.init(sequence: id, token: vector.ids[index])])) { _, row in
                rows[index] = row.indices.map { row[$0] }
            }
        }
        return rows
    }

    @Test(arguments: FamilyVector.names)
    func logitsAreThoseOfTransformers(name: String) throws {
        let vector = try FamilyVector(name)
        #expect(vector.logits.count == 3)
        for prompt in vector.dependsOnLength ? [vector.ids.count] : [vector.ids.count, 1] {
            let rows = try Self.rows(vector, prompt: prompt)
            for (row, expected) in vector.logits {
                let worst = zip(rows[row], expected).map { abs($0 - $1) }.max() ?? .infinity
                #expect(rows[row].count == expected.count && worst < 1e-4, "row \(row), prompt of \(prompt): \(worst)")
            }
        }
    }

    /// A changed number in a model must show.
    @Test func anotherFamilysLogitsAreNoticed() throws {
        let (one, other) = (try FamilyVector("qwen2-window"), try FamilyVector("llama-yarn"))
        let rows = try Self.rows(one, prompt: one.ids.count)
        let expected = try #require(other.logits[one.ids.count - 1])
        #expect(zip(rows[one.ids.count - 1], expected).contains { abs($0 - $1) > 1e-2 })
    }

    @Test(arguments: FamilyVector.names)
    func aBudgetThatIsNeverReachedGivesTheBitsOfFull(name: String) throws {
        let vector = try FamilyVector(name)
        let prompt = PromiseTests.prompt(40, seed: 9)
        let expected = try GreedyRun(
            PromiseTests.engine(vector.model), prompt: prompt,
            plan: PromiseTests.plan(Self.request("full"), vector.model, prompt: 40, new: 12), steps: 12)
        for policy in ["h2o", "keyformer", "streaming"] {
            for (budget, chunking) in [(51, Chunking.sevens), (80, .singleRows)] {
                let run = try GreedyRun(
                    PromiseTests.engine(vector.model, threads: 1), prompt: prompt,
                    plan: PromiseTests.plan(
                        Self.request(policy, budget: budget), vector.model, prompt: 40, new: 12),
                    steps: 12, chunking: chunking)
                #expect(run.logits == expected.logits, "\(policy) with \(budget)")
            }
        }
    }

    /// Prompts in pieces beside others, under budgets above and below the windows, against each alone.
    @Test(arguments: FamilyVector.names)
    func aSequenceDoesNotDependOnItsBatch(name: String) throws {
        let model = try FamilyVector(name).model
        var random = SeededRandom(seed: 4)
        var entries: [(id: SequenceID, prompt: [TokenID], plan: CachePlan)] = []
        for (index, policy) in ["full", "keyformer", "h2o", "window", "streaming", "keyformer"].enumerated() {
            let budget = policy == "full" ? nil : index % 2 == 0 ? 24 : 10
            let length = Int.random(in: 1...48, using: &random)
            entries.append(
                (
                    SequenceID(UInt64(index)), PromiseTests.prompt(length, seed: UInt64(index)),
                    try PromiseTests.plan(
                        Self.request(policy, budget: budget, storage: index < 3 ? "f16" : "f32"), model,
                        prompt: length, new: 8)
                ))
        }
        let together = try BatchRun(
            PromiseTests.engine(model, threads: 2, rows: 24), entries, steps: 8, random: &random)
        for entry in entries {
            let alone = try GreedyRun(
                PromiseTests.engine(model, threads: 1, rows: 64), prompt: entry.prompt, plan: entry.plan, steps: 8)
            #expect(together.logits[entry.id] == alone.logits, "\(entry.plan.policyName) \(entry.id)")
        }
    }

    /// Lanes hold what their plan says, per layer, and the arena is charged for it.
    @Test(arguments: FamilyVector.names)
    func everyLayerKeepsItsOwnBound(name: String) throws {
        let model = try FamilyVector(name).model
        let prompt = PromiseTests.prompt(40, seed: 6)
        for (policy, budget) in [("keyformer", 10), ("keyformer", 30), ("streaming", 10), ("h2o", 20), ("full", nil)] {
            let plan = try PromiseTests.plan(
                Self.request(policy, budget: budget), model, prompt: prompt.count, new: 12)
            let engine = try PromiseTests.engine(model)
            let id = SequenceID(1)
            engine.admit(SequenceAdmission(id: id, prompt: prompt, plan: plan, promptLogits: false))
            let layers = 0..<model.configuration.layerCount
            var token: TokenID = 0
            let piece = PrefillPiece(sequence: id, layers: layers, rows: 0..<prompt.count)
            engine.run(StepBatch(prefill: [piece])) { _, row in
                token = TokenID(GreedyRun.argmax(row.indices.map { row[$0] }))
            }
            for fed in prompt.count..<prompt.count + 11 {
                let cache = engine.cache(of: id)
                #expect(cache.brokenInvariant() == nil, "\(policy) \(fed)")
                for layer in layers {
                    let bound = min(budget ?? 51, (model.configuration.layers[layer].window ?? .max) - 1)
                    #expect(cache.count(layer: layer, kvHead: 0) == min(bound, fed), "\(policy), layer \(layer)")
                }
                #expect(cache.heldBytes == plan.steadyBytes)
                engine.run(StepBatch(decode: [.init(sequence: id, token: token)])) { _, row in
                    token = TokenID(GreedyRun.argmax(row.indices.map { row[$0] }))
                }
            }
        }
    }
}
