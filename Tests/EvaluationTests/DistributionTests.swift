import Glibc
import Testing

@testable import Evaluation

@Suite struct DistributionTests {
    private static func distribution(_ probabilities: [Double]) -> Distribution {
        Distribution(probabilities.map { Float(log($0)) })
    }

    /// ½ ln(½ / ¼) + ½ ln(½ / ¾) = ½ ln 2 − ½ ln 1.5.
    @Test func divergenceIsTheHandComputedOne() {
        let even = Self.distribution([0.5, 0.5])
        let skewed = Self.distribution([0.25, 0.75])
        #expect(abs(even.divergence(to: skewed) - 0.143841036) < 1e-7)
        // ¼ ln ½ + ¾ ln 1.5
        #expect(abs(skewed.divergence(to: even) - 0.130812035) < 1e-7)
    }

    @Test func divergenceToItselfIsExactlyZero() {
        let logits = (0..<1000).map { Float(sin(Double($0)) * 20) }
        #expect(Distribution(logits).divergence(to: Distribution(logits)) == 0)
    }

    @Test func probabilitiesDoNotDependOnAShiftAndDoNotOverflow() {
        let low = Distribution([1, 2, 3])
        let high = Distribution([1001, 1002, 1003])
        // e³ / (e + e² + e³)
        #expect(abs(exp(low.logProbability(2)) - 0.66524095) < 1e-7)
        #expect(abs(high.logProbability(2) - low.logProbability(2)) < 1e-9)
    }

    @Test func amongEqualsTheLowestTokenIsBest() {
        #expect(Distribution([1, 3, 3]).best == 1)
        #expect(Distribution([0, 0]).best == 0)
    }
}
