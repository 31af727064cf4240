import Generation
import Testing

@testable import Sampling

@Suite struct PenaltiesTests {
    private func penalised(
        _ logits: [Float], prompt: [TokenID] = [], output: [TokenID] = [], _ change: (inout SamplingParameters) -> Void
    ) -> [Float] {
        var parameters = SamplingParameters()
        change(&parameters)
        var penalties = Penalties(parameters: parameters, prompt: prompt)
        for token in output { penalties.record(token) }
        var logits = logits
        penalties.apply(to: &logits)
        return logits
    }

    @Test func presenceCountsOnceAndFrequencyEachTime() {
        let presence = penalised([1, 1, 1], output: [1, 1, 2]) { $0.presencePenalty = 0.5 }
        #expect(presence == [1, 0.5, 0.5])
        let frequency = penalised([1, 1, 1], output: [1, 1, 2]) { $0.frequencyPenalty = 0.25 }
        #expect(frequency == [1, 0.5, 0.75])
    }

    @Test func presenceAndFrequencyIgnoreThePrompt() {
        let logits = penalised([1, 1], prompt: [0, 1, 1]) {
            $0.presencePenalty = 2
            $0.frequencyPenalty = 2
        }
        #expect(logits == [1, 1])
    }

    @Test func repetitionDividesPositiveAndMultipliesNegativeLogitsOnce() {
        let logits = penalised([2, -2, 2, -2], prompt: [0, 0, 1], output: [0, 1, 1]) { $0.repetitionPenalty = 2 }
        #expect(logits == [1, -4, 2, -2])
    }

    @Test func repetitionComesBeforeFrequency() {
        let logits = penalised([4], output: [0]) {
            $0.repetitionPenalty = 2
            $0.frequencyPenalty = 1
        }
        #expect(logits == [1])
    }

    @Test func moreOccurrencesNeverRaiseALogit() {
        var random = RandomLogits(seed: 3)
        let start = random.logits(50)
        var previous = start
        for count in 1...6 {
            let output = (0..<50).flatMap { [TokenID](repeating: $0, count: count) }
            let logits = penalised(start, output: output) {
                $0.frequencyPenalty = 0.3
                $0.presencePenalty = 0.2
                $0.repetitionPenalty = 1.3
            }
            #expect(zip(logits, previous).allSatisfy { $0 < $1 })
            previous = logits
        }
    }

    @Test func tokensOutsideOfTheVocabularyAreIgnored() {
        let logits = penalised([1, 2], prompt: [-1, 2, .max], output: [7]) {
            $0.repetitionPenalty = 2
            $0.presencePenalty = 1
        }
        #expect(logits == [1, 2])
    }

    @Test func removedTokensStayRemoved() {
        let logits = penalised([-.infinity, 1], output: [0, 0]) {
            $0.repetitionPenalty = 0.5
            $0.frequencyPenalty = -2
        }
        #expect(logits == [-.infinity, 1])
    }
}
