import CKernels
import Glibc
import TestSupport
import Testing

@Suite struct SoftmaxTests {
    private func softmax(_ variant: Variant, _ values: [Float], _ findings: inout Findings) -> [Float] {
        let x = GuardedArray(values)
        var maximum: Float = 0
        let sum = unsafe variant.table.pointee.exp_sum_f32(x.count, x.pointer, &maximum)
        findings.requireIntact(x, what: "\(variant.isa) exp sum")
        findings.require(maximum == values.filter { !$0.isNaN }.max(), "\(variant.isa) maximum \(maximum)")
        return x.values.map { $0 * (1 / sum) }
    }

    /// Scores and the kernel's scratch, after the call.
    private func keyformerScore(
        _ variant: Variant, _ logits: [Float], _ noise: [Float]?, inverseTau: Float, score: [Float],
        _ findings: inout Findings
    ) -> (score: [Float], scratch: [Float]) {
        let logits = GuardedArray(logits)
        let noise = noise.map { GuardedArray($0) }
        let score = GuardedArray(score)
        let scratch = GuardedArray(count: logits.count, of: Float.nan)
        unsafe variant.table.pointee.keyformer_score_f32(
            logits.count, inverseTau, logits.pointer, noise?.pointer, scratch.pointer, score.pointer)
        findings.requireIntact(logits, score, scratch, what: "\(variant.isa) keyformer score")
        return (score.values, scratch.values)
    }

    private func exactSoftmax(_ values: [Double]) -> [Double] {
        let largest = values.max() ?? 0
        let powers = values.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    @Test(arguments: Sample.allCases)
    func softmaxHasTheScalarBitsAndItsRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 14)
        var findings = Findings()
        for count in lengths where count > 0 {
            let values = sample.values(count, using: &random).map { $0 * 20 }
            let expected = softmax(.scalar, values, &findings)
            for variant in Variant.others {
                findings.requireSameBits(
                    softmax(variant, values, &findings), expected, "\(variant.isa) \(sample) \(count)")
            }
            let exact = exactSoftmax(values.map { Double($0) })
            // The subtraction's error moves exp by at most 88 roundings where exp is not 0; the same for the sum.
            let relative = (Double(count) / 8 + 2 * 88 + 12) * roundoff
            for index in 0..<count {
                let bound = relative * exact[index] + 0x1p-126
                findings.requireClose(
                    expected[index], exact[index], bound: bound, "\(sample) \(count) element \(index)")
            }
        }
        findings.record()
    }

    @Test func maskedLogitsWeighNothingAndNaNSpreads() {
        var findings = Findings()
        for variant in [Variant.scalar] + Variant.others {
            let masked = softmax(
                variant, [-.infinity, 1, -.infinity, 1] + Array(repeating: -.infinity, count: 9), &findings)
            #expect(masked == [0, 0.5, 0, 0.5] + Array(repeating: 0, count: 9))
            for broken in [Float.nan, .infinity] {
                let result = softmax(variant, [1, 2, broken] + Array(repeating: 3, count: 9), &findings)
                #expect(result.allSatisfy { $0.isNaN }, "\(variant.isa) with \(broken)")
            }
            #expect(softmax(variant, [-.infinity, -.infinity], &findings).allSatisfy { $0.isNaN })
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases, [false, true])
    func keyformerScoresHaveTheScalarBitsAndTheirRoundingErrors(_ sample: Sample, hasNoise: Bool) {
        var random = SeededRandom(seed: 15)
        var findings = Findings()
        for count in lengths where count > 0 {
            let logits = sample.values(count, using: &random).map { $0 * 20 }
            let noise = hasNoise ? Sample.ordinary.values(count, using: &random).map { $0 * 5 } : nil
            let start = Sample.ordinary.values(count, using: &random)
            let expected = keyformerScore(.scalar, logits, noise, inverseTau: 0.7, score: start, &findings).score
            for variant in Variant.others {
                let found = keyformerScore(variant, logits, noise, inverseTau: 0.7, score: start, &findings).score
                findings.requireSameBits(found, expected, "\(variant.isa) \(sample) \(count)")
            }
            let tempered = (0..<count).map { (Double(logits[$0]) + Double(noise?[$0] ?? 0)) * Double(Float(0.7)) }
            let exact = exactSoftmax(tempered)
            // As for softmax, and two roundings of each tempered logit before the subtraction.
            let largest = tempered.reduce(0) { max($0, abs($1)) }
            let relative = (Double(count) / 8 + 2 * 88 + 12) * roundoff + 8 * roundoff * largest
            for index in 0..<count where relative < 0.1 {
                let sum = Double(start[index]) + exact[index]
                let bound = relative * exact[index] + roundoff * abs(sum) + 0x1p-126
                findings.requireClose(expected[index], sum, bound: bound, "\(sample) \(count) element \(index)")
            }
        }
        findings.record()
    }

    /// The scratch of the score ends as exp(x - max), which shows the kernels' exp by itself.
    @Test func expIsWithinOneUnitInTheLastPlace() {
        var findings = Findings()
        let x = [0] + stride(from: Float(0), to: -110, by: -0.00113).map { $0 }
        let zeros = [Float](repeating: 0, count: x.count)
        for variant in [Variant.scalar] + Variant.others {
            let found = keyformerScore(variant, x, nil, inverseTau: 1, score: zeros, &findings).scratch
            for index in x.indices {
                let exact = exp(Double(x[index]))
                let unit = exact < 0x1p-126 ? 0x1p-126 : Double(Float(exact).ulp)
                findings.requireClose(found[index], exact, bound: unit, "\(variant.isa) exp of \(x[index])")
                findings.require(exact > 0x1p-126 || found[index] == 0, "\(variant.isa) exp of \(x[index]) is not 0")
            }
        }
        findings.record()
    }
}
