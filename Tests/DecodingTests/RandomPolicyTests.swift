import Decoding
import Generation
import KVCaching
import TestSupport
import Testing

/// The baseline keeps what it must and nothing it could have known.
@Suite struct RandomPolicyTests {
    private static let promptTokens = 60
    private static let slots = 20

    /// Kept positions, [call][layer][KV head], of a prompt of random tokens and some steps.
    private static func kept(seed: Int, promptSeed: UInt64 = 4, chunking: Chunking = .whole) throws -> [[[[Int]]]] {
        let model = try GoldenModel.load("llama")
        var request = KVCacheRequest()
        request.policy = "random"
        request.budget = .tokens(slots)
        request.policyParameters["seed"] = .integer(seed)
        let plan = try PromiseTests.plan(request, model, prompt: promptTokens, new: 12)
        return try GreedyRun(
            PromiseTests.engine(model), prompt: PromiseTests.prompt(promptTokens, seed: promptSeed), plan: plan,
            steps: 12, chunking: chunking
        ).kept
    }

    @Test func sinksAndRecentWindowStay() throws {
        for (call, layers) in try Self.kept(seed: 1).enumerated() {
            let end = Self.promptTokens + call
            for lane in layers.joined() {
                #expect(lane.count == Self.slots)
                // 4 sinks, and a recent window of 30 %.
                #expect(Array(lane.prefix(4)) == [0, 1, 2, 3])
                #expect(Array(lane.suffix(6)) == Array(end - 6..<end))
            }
        }
    }

    @Test func theChoiceIsAFunctionOfSeedLayerHeadAndPosition() throws {
        let first = try Self.kept(seed: 1)
        #expect(try Self.kept(seed: 1, chunking: .sevens) == first)
        // Other tokens, same choice; another seed, another choice.
        #expect(try Self.kept(seed: 1, promptSeed: 5)[0] == first[0])
        #expect(try Self.kept(seed: 2)[0] != first[0])
        #expect(Set(first[0].joined()).count == first[0].joined().count)
    }

    /// What was dropped never comes back, and a token that left is one that ranked lowest from the start.
    @Test func ranksDoNotChangeWhileDecoding() throws {
        let kept = try Self.kept(seed: 3)
        for call in 1..<kept.count {
            for (layer, lanes) in kept[call].enumerated() {
                for (head, lane) in lanes.enumerated() {
                    let before = Set(kept[call - 1][layer][head])
                    #expect(Set(lane).subtracting(before) == [Self.promptTokens + call - 1])
                }
            }
        }
    }

    /// 50 free positions share 10 free slots: each is kept in a fifth of the lanes, early and late ones alike.
    @Test func noPositionIsFavoured() throws {
        var counts = [Int](repeating: 0, count: Self.promptTokens)
        var lanes = 0
        for seed in 0..<60 {
            for lane in try Self.kept(seed: seed)[0].joined() {
                lanes += 1
                for position in lane { counts[position] += 1 }
            }
        }
        let free = counts[4..<54]
        #expect(free.reduce(0, +) == lanes * 10)
        let expected = Double(lanes) / 5
        let spread = 4.5 * (expected * 0.8).squareRoot()
        #expect(free.allSatisfy { abs(Double($0) - expected) < spread }, "\(free)")
    }
}
