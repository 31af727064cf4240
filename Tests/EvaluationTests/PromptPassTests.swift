import Generation
import KVCaching
import Testing

@testable import Evaluation

@Suite struct PromptPassTests {
    /// An input of 100 tokens under policies with half the budget; `full` keeps all.
    private static func input(_ policies: [String]) throws -> PolicyRunner.Input {
        PolicyRunner.Input(
            prompt: Array(0..<100),
            plans: try policies.map { name in
                var request = KVCacheRequest()
                request.policy = name
                if name != "full" { request.budget = .ratio(millionths: 500_000) }
                return try PolicyTable.plan(
                    request, defaults: KVCacheRequest(), promptTokens: 100, maxNewTokens: 10,
                    shape: CacheShape(layerCount: 2, kvHeads: 1, queryHeads: 2, headDim: 16, hiddenSize: 32),
                    usesRoPE: true)
            })
    }

    @Test func plansOfTheSameEntriesShareAPass() throws {
        let input = try Self.input(["full", "streaming", "h2o", "window", "streaming", "random"])
        let passes = PromptPass.passes([input, input], limits: .init())
        #expect(passes.map(\.input) == [0, 0, 1, 1])
        #expect(passes.map(\.plans) == [[0, 2, 3, 5], [1, 4], [0, 2, 3, 5], [1, 4]])
        #expect(passes[0].bytes == passes[2].bytes && passes[0].bytes > input.plans[0].peakBytes)
    }

    @Test func limitsCutPassesAndLots() throws {
        let input = try Self.input(["h2o", "h2o", "h2o", "h2o"])
        let one = input.plans[0].peakBytes
        let two = one + input.plans[0].steadyBytes + input.plans[0].stagingBytes
        func cut(_ limits: PromptPass.Limits) -> (passes: [[Int]], lots: [Int]) {
            let passes = PromptPass.passes([input], limits: limits)
            return (passes.map(\.plans), PromptPass.lots(passes, limits: limits).map(\.count))
        }
        #expect(cut(.init(bytes: two)).passes == [[0, 1], [2, 3]])
        #expect(cut(.init(bytes: two)).lots == [1, 1])
        #expect(cut(.init(bytes: 1)).passes == [[0], [1], [2], [3]])
        #expect(cut(.init(bytes: 1)).lots == [1, 1, 1, 1])
        #expect(cut(.init(sequences: 3)).passes == [[0, 1, 2], [3]])
        #expect(cut(.init(sequences: 3)).lots == [1, 1])
        let four = PromptPass.passes([input, input, input, input], limits: .init())
        #expect(PromptPass.lots(four, limits: .init(prompts: 3)).map(\.count) == [3, 1])
    }
}
