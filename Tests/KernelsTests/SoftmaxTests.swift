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

    /// Keyformer's score of one head, and the exp(x - max) it is made of.
    private func keyformerScore(
        _ variant: Variant, _ logits: [Float], _ noise: [Float]?, inverseTau: Float, score: [Float],
        _ findings: inout Findings
    ) -> (score: [Float], scratch: [Float]) {
        let tempered = noisyExpSums(variant, [logits], noise.map { .byRow([$0]) }, inverseTau: inverseTau, &findings)
        let sum = added(variant, tempered.rows, weights: [1 / tempered.sums[0]], to: score, &findings)
        return (sum, tempered.rows[0])
    }

    private enum Noise {
        case byRow([[Float]])
        /// [positions, heads], and the entries' positions.
        case byPosition([Float], [Int32])
    }

    /// The rows after the call, their maxima and their sums.
    private func noisyExpSums(
        _ variant: Variant, _ rows: [[Float]], _ noise: Noise?, inverseTau: Float, _ findings: inout Findings
    ) -> (rows: [[Float]], maxima: [Float], sums: [Float]) {
        let (heads, count) = (rows.count, rows[0].count)
        let stride = count + 3
        // Nothing stands after the last row.
        let all = GuardedArray(Array(rows.flatMap { $0 + [7, 7, 7] }.dropLast(3)))
        let maxima = GuardedArray(count: 2 * heads, of: Float(5))
        let sums = GuardedArray(count: 2 * heads, of: Float(5))
        switch noise {
        case nil:
            unsafe variant.table.pointee.noisy_exp_sums_f32(
                heads, count, inverseTau, nil, 0, nil, all.pointer, stride, maxima.pointer, sums.pointer, 2,
                nil)
        case .byRow(let values):
            let values = GuardedArray(Array(values.flatMap { $0 + [9] }.dropLast()))
            unsafe variant.table.pointee.noisy_exp_sums_f32(
                heads, count, inverseTau, values.pointer, count + 1, nil, all.pointer, stride, maxima.pointer,
                sums.pointer, 2, UnsafeRawPointer(values.pointer))
        case .byPosition(let values, let positions):
            let values = GuardedArray(values + Array(repeating: .nan, count: Int(CK_NOISE_SLACK)))
            let positions = GuardedArray(positions)
            unsafe variant.table.pointee.noisy_exp_sums_f32(
                heads, count, inverseTau, values.pointer, 0, positions.pointer, all.pointer, stride, maxima.pointer,
                sums.pointer, 2, UnsafeRawPointer(values.pointer))
        }
        findings.requireIntact(all, maxima, sums, what: "\(variant.isa) noisy exp sums")
        let values = all.values
        findings.require(
            (0..<heads - 1).allSatisfy { values[$0 * stride + count..<($0 + 1) * stride].allSatisfy { $0 == 7 } },
            "\(variant.isa) noisy exp sums wrote between the rows")
        return (
            (0..<heads).map { Array(values[$0 * stride..<$0 * stride + count]) },
            (0..<heads).map { maxima.values[2 * $0] }, (0..<heads).map { sums.values[2 * $0] }
        )
    }

    private func added(
        _ variant: Variant, _ rows: [[Float]], weights: [Float], to start: [Float], _ findings: inout Findings
    ) -> [Float] {
        let (values, target) = (GuardedArray(rows.flatMap { $0 }), GuardedArray(start))
        let weights = GuardedArray(Array(weights.flatMap { [$0, 3] }.dropLast()))
        unsafe variant.table.pointee.add_rows_f32(
            rows.count, start.count, weights.pointer, 2, values.pointer, start.count, target.pointer)
        findings.requireIntact(target, what: "\(variant.isa) add rows")
        return target.values
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

    /// Heads of all group sizes, rows in memory as they stand in a lane, noise by row and by position.
    @Test(arguments: Sample.allCases)
    func headsShareNoiseByPositionWithTheBitsOfRows(_ sample: Sample) {
        var random = SeededRandom(seed: 17)
        var findings = Findings()
        for (heads, count) in [1, 2, 3, 4, 5, 8, 9].flatMap({ heads in lengths.map { (heads, $0) } }) where count > 0 {
            let rows = (0..<heads).map { _ in sample.values(count, using: &random).map { $0 * 20 } }
            let noise = Sample.ordinary.values(heads * (count + 20), using: &random).map { $0 * 5 }
            let positions = (0..<Int32(count + 20)).shuffled(using: &random).prefix(count).map { $0 }
            let byRow = (0..<heads).map { head in positions.map { noise[Int($0) * heads + head] } }
            let weights = Sample.ordinary.values(heads, using: &random)
            let expected = noisyExpSums(.scalar, rows, .byRow(byRow), inverseTau: 0.7, &findings)
            let start = sample.values(count, using: &random)
            let sum = added(.scalar, expected.rows, weights: weights, to: start, &findings)
            for variant in [Variant.scalar] + Variant.others {
                for form in [Noise.byRow(byRow), .byPosition(noise, positions)] {
                    let found = noisyExpSums(variant, rows, form, inverseTau: 0.7, &findings)
                    let what = "\(variant.isa) \(sample) \(heads)x\(count)"
                    findings.requireSameBits(found.rows.flatMap { $0 }, expected.rows.flatMap { $0 }, what)
                    findings.requireSameBits(found.sums, expected.sums, "sums \(what)")
                    findings.require(found.maxima == expected.maxima, "maxima \(what)")
                }
                findings.requireSameBits(
                    added(variant, expected.rows, weights: weights, to: start, &findings), sum,
                    "\(variant.isa) add rows \(sample) \(heads)x\(count)")
            }
        }
        findings.record()
    }

    /// The rows of the score end as exp(x - max), which shows the kernels' exp by itself.
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
