import TestSupport
import Testing

/// The checks themselves find what they are for.
@Suite struct KernelCheckTests {
    @Test func oneFlippedBitIsFound() {
        let values: [Float] = [1, 2, 3]
        var findings = Findings()
        findings.requireSameBits([1, 2, Float(3).nextUp], values, "flip")
        #expect(findings.messages.count == 1)
        findings.requireSameBits([1, 2], values, "short")
        #expect(findings.messages.count == 2)
        findings.requireSameBits(values, values, "same")
        findings.requireSameBits([.nan], [-.nan], "NaN")
        #expect(findings.messages.count == 2)
        findings.requireSameBits([0], [-0.0], "signs of zero")
        #expect(findings.messages.count == 3)
    }

    @Test func aResultOutsideItsBoundIsFound() {
        var findings = Findings()
        findings.requireClose(1, 1.5, bound: 0.5, "at the bound")
        #expect(findings.messages.isEmpty)
        findings.requireClose(1, 1.5, bound: 0.49, "outside")
        findings.requireClose(.nan, 1.5, bound: 1, "NaN")
        #expect(findings.messages.count == 2)
    }

    @Test func aWriteBeforeTheStartIsFound() {
        let array = GuardedArray(count: 3, of: Float(0))
        #expect(array.isIntact)
        unsafe array.pointer[-1] = 7
        #expect(!array.isIntact)
    }

    @Test func aWritePastTheEndStopsTheTest() async {
        await #expect(processExitsWith: .failure) {
            let array = GuardedArray(count: 3, of: Float(0))
            unsafe array.pointer[3] = 7
        }
    }

    @Test func everySampleIsWhatItSays() {
        var random = SeededRandom(seed: 1)
        #expect(Sample.zeros.values(9, using: &random).allSatisfy { $0 == 0 })
        #expect(Sample.denormals.values(9, using: &random).allSatisfy { $0.isSubnormal || $0 == 0 })
        #expect(Sample.large.values(9, using: &random).allSatisfy { $0.magnitude >= 4e14 })
        #expect(Sample.outlier.values(9, using: &random).count { $0 == 1e6 } == 1)
    }
}
