import Generation
import Testing

@testable import Serving

@Suite struct SubmissionPlannerTests {
    private func plan(_ requests: [GenerationRequest], poolBytes: Int = 1 << 22) throws -> [PlannedSequence] {
        let planner = SubmissionPlanner(
            configuration: try LoopHarness.configuration(maxQueued: 6, poolBytes: poolBytes, context: 32))
        var next: UInt64 = 0
        return try planner.sequences(of: requests) {
            next += 1
            return SequenceID(next)
        }
    }

    private func request(_ promptTokens: Int, maxTokens: Int?) -> GenerationRequest {
        .greedy(Array(repeating: 5, count: promptTokens), maxTokens: maxTokens)
    }

    @Test func withoutMaxTokensASequenceMayFillTheContext() throws {
        #expect(try plan([request(10, maxTokens: nil)])[0].maxNewTokens == 22)
        #expect(try plan([request(31, maxTokens: nil)])[0].maxNewTokens == 1)
        #expect(try plan([request(32, maxTokens: 0)])[0].maxNewTokens == 0)
    }

    @Test(arguments: [(32, nil, 1), (33, nil, 1), (10, 23, 23), (33, 0, 0), (1, Int.max, Int.max)])
    func whatDoesNotFitTheContextIsRefused(prompt: Int, maxTokens: Int?, wanted: Int) {
        #expect(throws: SubmitError.contextTooLong(promptTokens: prompt, maxTokens: wanted, context: 32)) {
            try plan([request(prompt, maxTokens: maxTokens)])
        }
    }

    @Test func sequencesComePromptByPromptAndChoiceByChoice() throws {
        var first = request(3, maxTokens: 2)
        first.choices = 2
        let planned = try plan([first, request(4, maxTokens: 2)])
        #expect(planned.map(\.prompt) == [0, 0, 1])
        #expect(planned.map(\.choice) == [0, 1, 0])
        #expect(planned.map(\.id.rawValue) == [1, 2, 3])
    }

    @Test func badInputIsNamed() {
        #expect(throws: SubmitError.emptyPrompt(index: 1)) {
            try plan([request(1, maxTokens: 1), request(0, maxTokens: 1)])
        }
        for token in [TokenID(-1), TokenID(TinyVocabulary.size), TokenID.max] {
            #expect(throws: SubmitError.badToken(token: Int(token), vocabularySize: TinyVocabulary.size)) {
                try plan([.greedy([1, token], maxTokens: 1)])
            }
        }
        var many = request(1, maxTokens: 1)
        many.choices = 7
        #expect(throws: SubmitError.tooManySequences(sequences: 7, limit: 6)) { try plan([many]) }
        many.choices = .max
        #expect(throws: SubmitError.tooManySequences(sequences: .max, limit: 6)) { try plan([many, many]) }
        var unknown = request(1, maxTokens: 1)
        unknown.cache.policy = "magic"
        #expect(throws: SubmitError.self) { try plan([unknown]) }
    }

    @Test func aSequenceLargerThanThePoolIsRefused() throws {
        let needed = try plan([request(20, maxTokens: 5)])[0].startBytes
        #expect(try plan([request(20, maxTokens: 5)], poolBytes: needed).count == 1)
        #expect(throws: SubmitError.neverFits(neededBytes: needed, limitBytes: needed - 1)) {
            try plan([request(20, maxTokens: 5)], poolBytes: needed - 1)
        }
    }

    @Test func everyErrorSaysWhatToChange() {
        let errors: [SubmitError] = [
            .emptyPrompt(index: 0), .badToken(token: 9, vocabularySize: 9),
            .contextTooLong(promptTokens: 3, maxTokens: 4, context: 5), .neverFits(neededBytes: 2, limitBytes: 1),
            .tooManySequences(sequences: 3, limit: 2), .inboxFull(retryAfterSeconds: 1), .draining,
        ]
        #expect(errors.allSatisfy { $0.description.count > 20 })
    }
}
