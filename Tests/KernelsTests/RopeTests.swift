import CKernels
import TestSupport
import Testing

@Suite struct RopeTests {
    private static let pairCounts = [0, 1, 3, 4, 5, 7, 8, 9, 16, 20, 31, 32, 40, 64]

    private func rotate(
        _ variant: Variant, isHalf: Bool, cosine: [Float], sine: [Float], _ x: [Float], _ findings: inout Findings
    ) -> [Float] {
        let c = GuardedArray(cosine)
        let s = GuardedArray(sine)
        let x = GuardedArray(x)
        if isHalf {
            unsafe variant.table.pointee.rope_half_f32(cosine.count, c.pointer, s.pointer, x.pointer)
        } else {
            unsafe variant.table.pointee.rope_interleaved_f32(cosine.count, c.pointer, s.pointer, x.pointer)
        }
        findings.requireIntact(c, s, x, what: variant.isa)
        return x.values
    }

    @Test(arguments: Sample.allCases, [false, true])
    func everyVariantRotatesPairsAndLeavesTheRest(_ sample: Sample, isHalf: Bool) {
        var random = SeededRandom(seed: 10)
        var findings = Findings()
        for pairs in Self.pairCounts {
            let cosine = Sample.ordinary.values(pairs, using: &random)
            let sine = Sample.ordinary.values(pairs, using: &random)
            let x = sample.values(2 * pairs + 3, using: &random)
            let expected = rotate(.scalar, isHalf: isHalf, cosine: cosine, sine: sine, x, &findings)
            for variant in Variant.others {
                let found = rotate(variant, isHalf: isHalf, cosine: cosine, sine: sine, x, &findings)
                findings.requireSameBits(found, expected, "\(variant.isa) \(sample) \(pairs) pairs")
            }
            findings.requireSameBits(
                Array(expected[(2 * pairs)...]), Array(x[(2 * pairs)...]), "rest after \(pairs) pairs")
            for pair in 0..<pairs {
                let (first, second) = isHalf ? (pair, pair + pairs) : (2 * pair, 2 * pair + 1)
                let (a, b) = (Double(x[first]), Double(x[second]))
                let (c, s) = (Double(cosine[pair]), Double(sine[pair]))
                let bound = 2 * roundoff * (abs(a) + abs(b)) + 2 * underflow
                findings.requireClose(expected[first], a * c - b * s, bound: bound, "\(sample) first of \(pair)")
                findings.requireClose(expected[second], a * s + b * c, bound: bound, "\(sample) second of \(pair)")
            }
        }
        findings.record()
    }
}
