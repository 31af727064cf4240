import Generation
import Testing

/// The shared nouns.
@Suite struct GenerationRequestTests {
    @Test func identitiesOrderByAge() {
        #expect([SequenceID(3), SequenceID(1), SequenceID(2)].sorted() == [SequenceID(1), SequenceID(2), SequenceID(3)])
        #expect(SequenceID(7).description == "seq-7")
    }

    @Test func aRequestsDefaultsAreTheContracts() {
        let request = GenerationRequest(prompt: [1])
        #expect(request.choices == 1)
        #expect(request.sampling.temperature == 1 && request.sampling.topP == 1)
        #expect(!request.sampling.isGreedy)
        #expect(request.logprobs == nil && !request.promptLogprobs)
        #expect(request.cache == KVCacheRequest())
        #expect(request.stop.maxTokens == nil)
    }
}
