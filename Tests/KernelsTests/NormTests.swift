import CKernels
import TestSupport
import Testing

@Suite struct NormTests {
    private struct Case {
        let x: [Float], weight: [Float], bias: [Float]?

        init(_ count: Int, _ sample: Sample, bias: Bool, random: inout SeededRandom) {
            x = sample.values(count, using: &random)
            weight = Sample.ordinary.values(count, using: &random)
            self.bias = bias ? Sample.ordinary.values(count, using: &random) : nil
        }

        func rms(_ variant: Variant, _ findings: inout Findings) -> [Float] {
            let x = GuardedArray(x)
            let weight = GuardedArray(weight)
            let y = GuardedArray(count: x.count, of: Float(1e30))
            unsafe variant.table.pointee.rms_norm_f32(x.count, epsilon, x.pointer, weight.pointer, y.pointer)
            unsafe variant.table.pointee.rms_norm_f32(x.count, epsilon, x.pointer, weight.pointer, x.pointer)
            findings.requireSameBits(x.values, y.values, "\(variant.isa) in place")
            findings.requireIntact(x, weight, y, what: variant.isa)
            return y.values
        }

        func layer(_ variant: Variant, _ findings: inout Findings) -> [Float] {
            let x = GuardedArray(x)
            let weight = GuardedArray(weight)
            let y = GuardedArray(count: x.count, of: Float(1e30))
            let bias = bias.map { GuardedArray($0) }
            unsafe variant.table.pointee.layer_norm_f32(
                x.count, epsilon, x.pointer, weight.pointer, bias?.pointer, y.pointer)
            unsafe variant.table.pointee.layer_norm_f32(
                x.count, epsilon, x.pointer, weight.pointer, bias?.pointer, x.pointer)
            findings.requireSameBits(x.values, y.values, "\(variant.isa) in place")
            findings.requireIntact(x, weight, y, what: variant.isa)
            return y.values
        }
    }

    @Test(arguments: Sample.allCases)
    func everyVariantGivesTheScalarBits(_ sample: Sample) {
        var random = SeededRandom(seed: 6)
        var findings = Findings()
        for count in lengths where count > 0 {
            for bias in [false, true] {
                let one = Case(count, sample, bias: bias, random: &random)
                let (rms, layer) = (one.rms(.scalar, &findings), one.layer(.scalar, &findings))
                for variant in Variant.others {
                    findings.requireSameBits(one.rms(variant, &findings), rms, "rms \(variant.isa) \(sample) \(count)")
                    findings.requireSameBits(
                        one.layer(variant, &findings), layer, "layer \(variant.isa) \(sample) \(count)")
                }
            }
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases)
    func rmsNormIsWithinItsRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 7)
        var findings = Findings()
        for count in lengths where count > 0 {
            let one = Case(count, sample, bias: false, random: &random)
            let meanSquare = one.x.reduce(0) { $0 + Double($1) * Double($1) } / Double(count)
            let scale = 1 / (meanSquare + Double(epsilon)).squareRoot()
            for (index, found) in one.rms(.scalar, &findings).enumerated() {
                let exact = Double(one.x[index]) * scale * Double(one.weight[index])
                let bound = (Double(count) / 8 + 12) * roundoff * abs(exact) + 2 * underflow
                findings.requireClose(found, exact, bound: bound, "\(sample) \(count) element \(index)")
            }
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases, [false, true])
    func layerNormIsWithinItsRoundingErrors(_ sample: Sample, hasBias: Bool) {
        var random = SeededRandom(seed: 8)
        var findings = Findings()
        for count in lengths where count > 0 {
            let one = Case(count, sample, bias: hasBias, random: &random)
            let n = Double(count)
            let mean = one.x.reduce(0) { $0 + Double($1) } / n
            let variance = one.x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
            let scale = 1 / (variance + Double(epsilon)).squareRoot()
            let largest = one.x.reduce(0) { max($0, abs(Double($1))) }
            // Errors of the mean and of the difference; what they and the sum of squares do to the scale.
            let difference = (n / 8 + 8) * roundoff * 2 * largest
            let relative = (n / 8 + 12) * roundoff + 2 * difference * scale
            for (index, found) in one.layer(.scalar, &findings).enumerated() {
                let weight = Double(one.weight[index])
                let bias = Double(one.bias?[index] ?? 0)
                let normal = (Double(one.x[index]) - mean) * scale
                let exact = normal * weight + bias
                let ofNormal = difference * scale + abs(normal) * relative
                let bound = abs(weight) * ofNormal + 2 * roundoff * abs(exact) + 4 * underflow
                findings.requireClose(found, exact, bound: bound, "\(sample) \(count) element \(index)")
            }
        }
        findings.record()
    }
}

private let epsilon: Float = 1e-5
