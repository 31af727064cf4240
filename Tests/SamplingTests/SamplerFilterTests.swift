import Generation
import Testing

@testable import Sampling

/// Filters and the draw against the naive sampler.
@Suite struct SamplerFilterTests {
    private let workspace = SamplingWorkspace()

    static let filters: [SamplingParameters] = [
        .with(), .with(temperature: 0.5), .with(temperature: 2), .with(topK: 1), .with(topK: 5),
        .with(topK: 40), .with(topK: 10_000), .with(topP: 0.1), .with(topP: 0.5), .with(topP: 0.9),
        .with(topP: 0.999_999), .with(minP: 0.05), .with(minP: 1), .with(topK: 20, topP: 0.7),
        .with(temperature: 1.7, topK: 30, topP: 0.8, minP: 0.1), .with(topP: 0.95, minP: 0.02),
    ]

    /// No token but the kept ones is drawn, and each as often as it should be: chi-square with a fixed seed.
    @Test(arguments: filters)
    func drawsFollowTheNaiveDistribution(parameters: SamplingParameters) {
        for steps in [nil, 12] {
            var random = RandomLogits(seed: 21)
            let logits = random.logits(60, steps: steps)
            let expected = NaiveSampler.distribution(logits, parameters)
            var counts: [TokenID: Int] = [:]
            var sampler = Sampler(parameters: parameters, prompt: [], choice: 0)
            let draws = 4_000
            for _ in 0..<draws { counts[sampler.sample(logits: logits.span, workspace: workspace), default: 0] += 1 }
            #expect(Set(counts.keys).isSubset(of: expected.map(\.token)), "\(parameters)")
            var chiSquare = 0.0
            var rest = (mass: 0.0, count: 0)
            var cells = 0
            for (token, mass) in expected {
                if mass * Double(draws) < 8 {
                    rest = (rest.mass + mass, rest.count + counts[token, default: 0])
                } else {
                    chiSquare += Self.cell(counts[token, default: 0], mass * Double(draws))
                    cells += 1
                }
            }
            if rest.mass * Double(draws) >= 1 { chiSquare += Self.cell(rest.count, rest.mass * Double(draws)) }
            // Mean `cells`, variance `2 cells`: five deviations.
            #expect(
                chiSquare < Double(cells) + 5 * (2 * Double(cells + 1)).squareRoot(), "\(chiSquare) for \(parameters)")
        }
    }

    /// The nucleus reaches its share of what `topK` left and would not without its weakest token; ties keep the lower
    /// ids.
    @Test(arguments: [0.05, 0.3, 0.5, 0.75, 0.9, 0.99, 0.999_9], [0, 20, 199])
    func nucleusIsTheSmallestThatReachesItsMass(topP: Double, topK: Int) {
        for seed in UInt64(0)..<20 {
            var random = RandomLogits(seed: seed)
            let logits = seed == 0 ? Self.longTail : random.logits(200, steps: seed % 2 == 0 ? 8 : nil)
            let all = NaiveSampler.distribution(logits, .with(topK: topK))
            let nucleus = ranked(logits, .with(topK: topK, topP: topP))
            #expect(nucleus == all.prefix(nucleus.count).map(\.token))
            let mass = all.prefix(nucleus.count).reduce(0) { $0 + $1.mass }
            #expect(mass >= topP - 1e-12)
            #expect(mass - (all.prefix(nucleus.count).last?.mass ?? 0) < topP + 1e-12)
        }
    }

    @Test(arguments: [1, 2, 50, 198, 199])
    func topKKeepsTheBest(topK: Int) {
        var random = RandomLogits(seed: 5)
        let logits = random.logits(200, steps: 8)
        let best = NaiveSampler.distribution(logits, .with()).prefix(topK).map(\.token)
        #expect(ranked(logits, .with(topK: topK)) == best)
    }

    @Test func topKKeepsTheLowerIDsAmongEquals() {
        let logits = [Float](repeating: 0, count: 10)
        var seen: Set<TokenID> = []
        var sampler = Sampler(parameters: .with(topK: 3), prompt: [], choice: 0)
        for _ in 0..<100 { seen.insert(sampler.sample(logits: logits.span, workspace: workspace)) }
        #expect(seen == [0, 1, 2])
    }

    @Test func minPIsRelativeToTheBestAfterTemperature() {
        // e^-1 = 0.37 of the best at temperature 1, 0.14 at temperature 0.5.
        let logits: [Float] = [1, 0]
        func seen(_ parameters: SamplingParameters) -> Set<TokenID> {
            var sampler = Sampler(parameters: parameters, prompt: [], choice: 0)
            return Set((0..<200).map { _ in sampler.sample(logits: logits.span, workspace: workspace) })
        }
        #expect(seen(.with(minP: 0.3)) == [0, 1])
        #expect(seen(.with(minP: 0.4)) == [0])
        #expect(seen(.with(temperature: 0.5, minP: 0.3)) == [0])
        #expect(seen(.with(topK: 2, minP: 0.4)) == [0])
        #expect(seen(.with(minP: 1)) == [0])
    }

    /// A third of the mass in one token, the rest spread evenly: a nucleus must reach far into the tail.
    private static let longTail = [Float](repeating: 0, count: 100) + [4.6] + [Float](repeating: 0, count: 99)

    /// The tokens that the filters of `parameters` rank for the draw.
    private func ranked(_ logits: [Float], _ parameters: SamplingParameters) -> [TokenID] {
        var buffers = SamplingBuffers()
        buffers.load(logits.span)
        let best = logits.indices.min { (-logits[$0], $0) < (-logits[$1], $1) } ?? 0
        _ = buffers.draw(best: TokenID(best), parameters: parameters, uniform: 0.5)
        return buffers.ranked.map(\.token)
    }

    private static func cell(_ count: Int, _ expected: Double) -> Double {
        (Double(count) - expected) * (Double(count) - expected) / expected
    }
}
