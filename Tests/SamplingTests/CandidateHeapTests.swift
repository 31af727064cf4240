import Generation
import Testing

@testable import Sampling

@Suite struct CandidateHeapTests {
    @Test(arguments: [0, 1, 2, 3, 7, 8, 100, 257])
    func popsFromTheBestDown(count: Int) {
        var random = RandomLogits(seed: UInt64(count))
        // Few distinct values: most of the order is decided by ids.
        let logits = random.logits(count, steps: 5)
        var heap = CandidateHeap()
        for (token, logit) in logits.enumerated() { heap.append(Candidate(logit: logit, token: TokenID(token))) }
        heap.build()
        var popped: [Int] = []
        while let candidate = heap.popBest() { popped.append(Int(candidate.token)) }
        #expect(popped == logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) })
        #expect(heap.isEmpty)
    }
}
