import Foundation
import Generation
import Testing

@testable import Sampling

@Suite struct LogprobsTests {
    private let workspace = SamplingWorkspace()

    private func report(_ logits: [Float], chosen: TokenID, top: Int) -> TokenLogprobs {
        Logprobs.report(logits: logits.span, chosen: chosen, top: top, workspace: workspace)
    }

    @Test(arguments: [1, 2, 100, 3000])
    func equalTheNaiveLogSoftmaxAndSumToOne(count: Int) {
        var random = RandomLogits(seed: UInt64(count))
        let logits = random.logits(count, steps: count == 100 ? 10 : nil)
        let normaliser = log(logits.reduce(0.0) { $0 + exp(Double($1)) })
        let all = report(logits, chosen: 0, top: count).top
        #expect(all.count == count)
        #expect(abs(all.reduce(0.0) { $0 + exp($1.logprob) } - 1) < 1e-12)
        let farthest = all.map { abs($0.logprob - (Double(logits[Int($0.token)]) - normaliser)) }.max() ?? 0
        #expect(farthest < 1e-12)
        #expect(all.map(\.token) == logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }.map(TokenID.init))
    }

    @Test func chosenIsReportedWhateverItsRank() {
        let logits: [Float] = [0, 3, 1, 2]
        let whole = report(logits, chosen: 0, top: 4)
        let two = report(logits, chosen: 0, top: 2)
        #expect(two.top.map(\.token) == [1, 3])
        #expect(two.chosen == whole.top.last?.logprob)
        #expect(report(logits, chosen: 0, top: 0) == TokenLogprobs(chosen: two.chosen, top: []))
    }

    @Test func moreThanTheVocabularyIsTheVocabulary() {
        #expect(report([1, 2], chosen: 1, top: 20).top.count == 2)
    }

    @Test func unlikelyHasAFloorThatJSONCanWrite() {
        let report = report([0, -.infinity, .nan], chosen: 1, top: 3)
        #expect(report == TokenLogprobs(chosen: -9999, top: [TokenLogprob(token: 0, logprob: 0)]))
        #expect(self.report([-.infinity, .nan], chosen: 0, top: 2) == TokenLogprobs(chosen: -9999, top: []))
        #expect(self.report([0, -30_000], chosen: 1, top: 0).chosen == -9999)
    }

    @Test func infinityAndOutsideIDsAreSafe() {
        let logits: [Float] = [.infinity, 1, .infinity]
        #expect(abs((report(logits, chosen: 2, top: 0).chosen ?? 0) - log(0.5)) < 1e-12)
        for chosen: TokenID in [-1, 3, .max, .min] {
            #expect(report(logits, chosen: chosen, top: 0).chosen == -9999)
        }
    }
}
