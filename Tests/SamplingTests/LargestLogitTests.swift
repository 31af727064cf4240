import Generation
import Testing

@testable import Sampling

/// The search in lanes against the plain one.
@Suite struct LargestLogitTests {
    private func plain(_ logits: [Float]) -> TokenID? {
        var best: Int?
        for (index, logit) in logits.enumerated() where logit > best.map({ logits[$0] }) ?? -.infinity { best = index }
        return best.map { TokenID($0) }
    }

    @Test func everySizeAndPlaceGivesTheFirstLargest() {
        var failures: [String] = []
        for size in 1...70 {
            for place in 0..<size {
                var logits = [Float](repeating: -2, count: size)
                for other in place..<size where other % 3 == place % 3 { logits[other] = 1 }
                if LargestLogit.token(logits.span) != TokenID(place) { failures.append("\(place) of \(size)") }
            }
        }
        #expect(failures.isEmpty)
    }

    @Test func hostileValuesGiveWhatThePlainSearchGives() {
        var generator = SystemRandomNumberGenerator()
        let values: [Float] = [.nan, -.nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -1, 1, 3e38, -3e38]
        for _ in 0..<2000 {
            let size = Int.random(in: 1...50, using: &generator)
            let kinds = Int.random(in: 1...values.count, using: &generator)
            let logits = (0..<size).map { _ in values[Int.random(in: 0..<kinds, using: &generator)] }
            guard LargestLogit.token(logits.span) != plain(logits) else { continue }
            Issue.record("\(logits)")
            return
        }
    }
}
