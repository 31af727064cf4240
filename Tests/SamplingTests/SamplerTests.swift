import Generation
import Testing

@testable import Sampling

@Suite struct SamplerTests {
    private let workspace = SamplingWorkspace()

    private func first(
        _ logits: [Float], _ parameters: SamplingParameters, banned: Set<TokenID> = []
    ) -> TokenID {
        var sampler = Sampler(parameters: parameters, prompt: [], choice: 0)
        return sampler.sample(logits: logits.span, workspace: workspace, bannedTokens: banned)
    }

    /// Tokens of `count` steps over logits that change from step to step.
    private func tokens(_ parameters: SamplingParameters, choice: Int = 0, count: Int = 60) -> [TokenID] {
        var sampler = Sampler(parameters: parameters, prompt: [1, 2, 3], choice: choice)
        var random = RandomLogits(seed: 99)
        return (0..<count).map { _ in
            sampler.sample(logits: random.logits(300).span, workspace: workspace)
        }
    }

    // MARK: Seeds

    @Test func sameSeedGivesTheSameTokens() {
        let parameters = SamplingParameters.with(topP: 0.9, frequency: 0.5, seed: 11)
        #expect(tokens(parameters) == tokens(parameters))
    }

    @Test func seedsAndChoicesDiffer() {
        let one = SamplingParameters.with(seed: 1)
        let two = SamplingParameters.with(seed: 2)
        #expect(tokens(one) != tokens(two))
        #expect(tokens(one) != tokens(one, choice: 1))
        #expect(tokens(one, choice: 1) == tokens(two))
    }

    /// Promise of batch invariance: what the workspace did before changes nothing.
    @Test func otherSequencesInTheWorkspaceChangeNothing() {
        let parameters = SamplingParameters.with(topK: 7)
        var random = RandomLogits(seed: 4)
        let steps = (0..<20).map { _ in random.logits(200) }
        var alone = Sampler(parameters: parameters, prompt: [], choice: 0)
        let expected = steps.map { alone.sample(logits: $0.span, workspace: SamplingWorkspace()) }
        var shared = Sampler(parameters: parameters, prompt: [], choice: 0)
        var other = Sampler(parameters: .with(minP: 0.1), prompt: [5], choice: 3)
        let tokens = steps.map { logits in
            _ = other.sample(logits: random.logits(500).span, workspace: workspace)
            return shared.sample(logits: logits.span, workspace: workspace)
        }
        #expect(tokens == expected)
    }

    @Test func eachTokenUsesOneNumber() {
        // Token i of uniform logits is the number times the vocabulary, whichever filter did nothing.
        let uniform = [Float](repeating: 1, count: 1000)
        let generator = SeededGenerator(seed: 8, choice: 2)
        var sampler = Sampler(parameters: .with(seed: 8), prompt: [], choice: 2)
        for index in UInt64(0)..<50 {
            let token = sampler.sample(logits: uniform.span, workspace: workspace)
            #expect(token == TokenID(generator.uniform(index) * 1000))
        }
    }

    // MARK: Greedy

    @Test func greedyTakesTheLargestAndTheLowestIDAmongEquals() {
        let greedy = SamplingParameters.with(temperature: 0)
        #expect(first([1, 3, 2, 3], greedy) == 1)
        #expect(first([-5], greedy) == 0)
        #expect(first([0, -0.0], greedy) == 0)
    }

    @Test func greedyHonoursBiasPenaltiesAndBans() {
        #expect(first([1, 2], .with(temperature: 0, bias: [0: 1.5])) == 0)
        #expect(first([1, 2], .with(temperature: 0), banned: [1]) == 0)
        var sampler = Sampler(parameters: .with(temperature: 0, presence: 1.5), prompt: [], choice: 0)
        let logits: [Float] = [1, 2]
        #expect(sampler.sample(logits: logits.span, workspace: workspace) == 1)
        #expect(sampler.sample(logits: logits.span, workspace: workspace) == 0)
    }

    @Test(arguments: [1e-3, 1e-6, 1e-30, .leastNonzeroMagnitude])
    func temperatureTowardsZeroIsGreedy(temperature: Double) {
        var random = RandomLogits(seed: 6)
        for seed in UInt64(0)..<40 {
            let logits = random.logits(100)
            let expected = first(logits, .with(temperature: 0))
            let token = first(logits, .with(temperature: temperature, seed: seed))
            // 1e-3: the second best is within reach only if it is closer than 0.03.
            let gap = logits[Int(expected)] - logits[Int(token)]
            #expect(gap < 0.03)
        }
    }

    @Test func oneTokenFiltersAreGreedy() {
        var random = RandomLogits(seed: 7)
        for seed in UInt64(0)..<40 {
            let logits = random.logits(100, steps: 30)
            let expected = first(logits, .with(temperature: 0))
            #expect(first(logits, .with(topK: 1, seed: seed)) == expected)
            #expect(first(logits, .with(topP: 0, seed: seed)) == expected)
            #expect(first(logits, .with(topP: 1e-9, seed: seed)) == expected)
        }
    }

    // MARK: Bias and bans

    @Test func biasOfAHundredDecides() {
        var random = RandomLogits(seed: 8)
        for seed in UInt64(0)..<50 {
            let logits = random.logits(30)
            #expect(first(logits, .with(bias: [17: 100], seed: seed)) == 17)
            #expect(first(logits, .with(bias: [17: -100], seed: seed)) != 17)
        }
    }

    @Test func outsideIDsAreIgnored() {
        let plain = tokens(.with(seed: 3))
        let biased = tokens(.with(bias: [-1: 100, 300: 100, .max: 100, .min: -100], seed: 3))
        #expect(plain == biased)
        #expect(first([1, 2], .with(temperature: 0), banned: [-1, 2, .max]) == 1)
    }

    @Test func noBiasBringsABannedTokenBack() {
        let parameters = SamplingParameters.with(bias: [0: 100])
        #expect(first([1, 2], parameters, banned: [0]) == 1)
    }

    // MARK: Hostile logits

    @Test(arguments: [0, 1, Double.leastNonzeroMagnitude])
    func hostileLogitsAreSafe(temperature: Double) {
        let filters: [SamplingParameters] = [
            .with(temperature: temperature),
            .with(temperature: temperature, topK: 2),
            .with(temperature: temperature, topP: 0.5),
            .with(temperature: temperature, minP: 0.5, repetition: 2),
        ]
        for parameters in filters {
            #expect(first([.nan, .nan, 1, .nan], parameters) == 2)
            #expect(first([.nan, -.infinity], parameters) == 0)
            #expect(first([.nan, -.infinity, .nan], parameters, banned: [0, 2]) == 1)
            #expect(first([.nan, -.infinity], parameters, banned: [0, 1]) == 0)
            #expect(first([1, .infinity, -.infinity], parameters) == 1)
            #expect([1, 2].contains(first([.nan, .infinity, .infinity], parameters)))
            #expect(first([-.greatestFiniteMagnitude, .greatestFiniteMagnitude], parameters) == 1)
            #expect(first([-.greatestFiniteMagnitude, -.infinity], parameters) == 0)
        }
    }

    @Test func randomBitsNeverCrash() {
        var random = RandomLogits(seed: 12)
        for seed in UInt64(0)..<300 {
            let logits = (0..<64).map { _ in
                Float(bitPattern: UInt32(random.next(in: 0...4_294_967_295)))
            }
            let parameters = SamplingParameters.with(
                temperature: [0, 0.7, 2][Int(seed % 3)], topK: [0, 5, 64, 1000][Int(seed % 4)],
                topP: [1, 0.9, 0][Int(seed / 3 % 3)], minP: [0, 0.05, 1][Int(seed / 9 % 3)],
                repetition: [1, 1.2][Int(seed % 2)], seed: seed)
            var sampler = Sampler(parameters: parameters, prompt: [1, 2, 3], choice: 0)
            for _ in 0..<4 {
                let token = sampler.sample(logits: logits.span, workspace: workspace)
                if !(0..<64).contains(token) || logits[Int(token)].isNaN {
                    Issue.record("seed \(seed) gives token \(token)")
                    return
                }
            }
        }
    }
}
