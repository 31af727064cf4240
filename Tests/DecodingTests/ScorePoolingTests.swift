import Decoding
import Generation
import KVCaching
import TestSupport
import Testing

/// Choices for whole layers, neighbourhoods and the strongest head, on the tiny golden models.
@Suite struct ScorePoolingTests {
    private static let promptTokens = 60
    private static let slots = 20
    private static let steps = 25

    private static func request(
        _ policy: String, _ parameters: [String: PolicyParameter], sinks: Int = 0
    ) -> KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = policy
        request.budget = .tokens(slots)
        request.sinkTokens = sinks
        request.recentRatioMillionths = 300_000
        request.policyParameters = parameters
        return request
    }

    private static func run(
        _ architecture: String, _ request: KVCacheRequest, chunking: Chunking = .whole, threads: Int = 2
    ) throws -> GreedyRun {
        let model = try GoldenModel.load(architecture)
        return try GreedyRun(
            PromiseTests.engine(model, threads: threads), prompt: PromiseTests.prompt(promptTokens, seed: 8),
            plan: try PromiseTests.plan(request, model, prompt: promptTokens, new: steps), steps: steps,
            chunking: chunking)
    }

    @Test(arguments: GoldenCase.architectures, ["h2o", "keyformer", "random"])
    func aChoicePerLayerKeepsTheSameInAllLanesOfALayer(architecture: String, policy: String) throws {
        for positions in ["original", "compact"] {
            for neighbourhood in [0, 3] {
                let parameters: [String: PolicyParameter] = [
                    "choose_per": .text("layer"), "neighbourhood": .integer(neighbourhood),
                    "positions": .text(positions),
                ]
                let run = try Self.run(architecture, Self.request(policy, parameters))
                for layer in run.kept.joined() { #expect(Set(layer).count == 1, "\(parameters)") }
                // Not by accident: alone, lanes choose differently.
                let alone = try Self.run(
                    architecture, Self.request(policy, ["positions": .text(positions)]))
                if alone.kept[0][0].count > 1 { #expect(Set(alone.kept[0][0]).count > 1) }
            }
        }
    }

    @Test(arguments: ["h2o", "keyformer", "random"], PromiseTests.poolings)
    func budgetSinksAndRecentWindowAreKept(policy: String, parameters: [String: PolicyParameter]) throws {
        let run = try Self.run("llama", Self.request(policy, parameters, sinks: 3))
        for (call, layers) in run.kept.enumerated() {
            let end = Self.promptTokens + call
            for lane in layers.joined() {
                #expect(lane.count == Self.slots)
                #expect(Array(lane.prefix(3)) == [0, 1, 2])
                #expect(Array(lane.suffix(6)) == Array(end - 6..<end))
            }
        }
    }

    @Test(arguments: ["h2o", "keyformer", "random"], PromiseTests.poolings)
    func piecesAndThreadsChangeNothing(policy: String, parameters: [String: PolicyParameter]) throws {
        let request = Self.request(policy, parameters)
        let first = try Self.run("llama", request)
        for (chunking, threads) in [(Chunking.sevens, 1), (.singleRows, 3), (.layerByLayer, 4)] {
            let isSame = try Self.run("llama", request, chunking: chunking, threads: threads) == first
            #expect(isSame, "\(chunking), \(threads) threads")
        }
    }

    @Test(arguments: GoldenCase.architectures, ["h2o", "keyformer", "random"])
    func theDefaultsAreOneTokenAndOneLaneAtATime(architecture: String, policy: String) throws {
        let named: [String: PolicyParameter] = [
            "choose_per": .text("group"), "reduce_heads": .text("sum"), "neighbourhood": .integer(0),
        ]
        let isSame =
            try Self.run(architecture, Self.request(policy, named))
            == Self.run(architecture, Self.request(policy, [:]))
        #expect(isSame)
    }

    /// What stays of a prompt, from the scores that an unpruned cache of the same policy has.
    @Test(arguments: ["h2o", "keyformer", "random"], [0, 1, 5])
    func theChoiceForALayerIsThatOfTheSumOfItsLanes(policy: String, neighbourhood: Int) throws {
        let model = try GoldenModel.load("llama")
        var whole = Self.request(policy, [:])
        whole.budget = .tokens(Self.promptTokens)
        let plan = try PromiseTests.plan(whole, model, prompt: Self.promptTokens, new: Self.steps)
        let prompt = PromiseTests.prompt(Self.promptTokens, seed: 8)
        let engine = try PromiseTests.engine(model)
        engine.admit(SequenceAdmission(id: SequenceID(1), prompt: prompt, plan: plan, promptLogits: false))
        let pieces = Chunking.whole.pieces(
            SequenceID(1), rows: prompt.count, layers: plan.shape.layerCount, byRows: plan.passesByRows)
        for piece in pieces {
            engine.run(StepBatch(prefill: [piece])) { _, _ in }
        }
        let kept = try Self.run(
            "llama",
            Self.request(policy, ["choose_per": .text("layer"), "neighbourhood": .integer(neighbourhood)])
        ).kept[0]
        let cache = engine.cache(of: SequenceID(1))
        let recent = Self.slots * 3 / 10
        for layer in 0..<plan.shape.layerCount {
            let lanes = (0..<plan.shape.kvHeads).map { cache.scores(layer: layer, kvHead: $0) }
            let sums = prompt.indices.map { place in lanes.reduce(Float(0)) { $0 + $1[place] } }
            let joined = prompt.indices.map { place in
                sums[max(0, place - neighbourhood)...min(prompt.count - 1, place + neighbourhood)].max() ?? 0
            }
            let candidates = (0..<Self.promptTokens - recent).sorted {
                (joined[$1], $0) < (joined[$0], $1)
            }
            let expected =
                candidates.prefix(Self.slots - recent).sorted()
                + Array(Self.promptTokens - recent..<Self.promptTokens)
            #expect(kept[layer] == lanes.map { _ in expected }, "layer \(layer)")
        }
    }

    /// With `random` a neighbourhood is a run of positions around one that drew high: fewer, longer runs.
    @Test func neighbourhoodsStayTogether() throws {
        func runs(_ neighbourhood: Int) throws -> Int {
            let request = Self.request("random", ["neighbourhood": .integer(neighbourhood)])
            return try Self.run("llama", request).kept[0].joined().reduce(0) { total, lane in
                total + zip(lane, lane.dropFirst()).count { $1 != $0 + 1 }
            }
        }
        #expect(try runs(3) * 2 < runs(0))
    }

    @Test func theStrongestHeadIsAnotherChoiceOnlyWhereHeadsShareALane() throws {
        for architecture in GoldenCase.architectures {
            let isShared = try GoldenModel.load(architecture).configuration.cacheShape.groupSize > 1
            let sum = try Self.run(architecture, Self.request("h2o", [:]))
            let strongest = try Self.run(architecture, Self.request("h2o", ["reduce_heads": .text("max")]))
            let isSame = sum == strongest
            #expect(isSame == !isShared, "\(architecture)")
        }
    }
}
