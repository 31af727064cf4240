import CKernels
import Glibc
import TestSupport
import Testing

@Suite struct ElementwiseTests {
    private enum Operation: CaseIterable {
        case add, multiply, scale, addScaled, clamp, softCap, siluMultiply, geluTanh, geluErf
    }

    private func run(
        _ operation: Operation, _ variant: Variant, _ x: [Float], _ other: [Float], _ findings: inout Findings
    ) -> [Float] {
        let x = GuardedArray(x)
        let other = GuardedArray(other)
        let slots = unsafe variant.table.pointee
        switch operation {
        case .add: unsafe slots.add_f32(x.count, other.pointer, x.pointer)
        case .multiply: unsafe slots.multiply_elements(x.count, other.pointer, x.pointer)
        case .scale: unsafe slots.scale(x.count, 1.7, x.pointer)
        case .addScaled: unsafe slots.add_scaled(x.count, 1.7, other.pointer, x.pointer)
        case .clamp: unsafe slots.clamp(x.count, 0.75, x.pointer)
        case .softCap: unsafe slots.soft_cap_f32(x.count, 3, x.pointer)
        case .siluMultiply: unsafe slots.silu_multiply_f32(x.count, x.pointer, other.pointer, x.pointer)
        case .geluTanh: unsafe slots.gelu_tanh_f32(x.count, x.pointer)
        case .geluErf: unsafe slots.gelu_erf_f32(x.count, x.pointer)
        }
        findings.requireIntact(x, other, what: "\(variant.isa) \(operation)")
        return x.values
    }

    /// Floats of every exponent and sign, and the ends of exp's range.
    private static let allExponents: [Float] =
        (0...255).flatMap { exponent -> [Float] in
            let bits = UInt32(exponent) << 23
            return [bits, bits | 0x2A_AAAA, bits | 0x7F_FFFF].flatMap { bits in
                [Float(bitPattern: bits), Float(bitPattern: bits | 0x8000_0000)]
            }
        } + [-87.33654, -87.33655, 88.72283, 88.722839, 88.72285, 0.5, -0.5, 15.9, 16, 16.1]

    @Test(arguments: Sample.allCases)
    func everyVariantGivesTheScalarBits(_ sample: Sample) {
        var random = SeededRandom(seed: 9)
        var findings = Findings()
        for operation in Operation.allCases {
            for count in lengths {
                let x = sample.values(count, using: &random).map { $0 * 4 }
                let other = sample.values(count, using: &random)
                let expected = run(operation, .scalar, x, other, &findings)
                for variant in Variant.others {
                    let found = run(operation, variant, x, other, &findings)
                    findings.requireSameBits(found, expected, "\(variant.isa) \(operation) \(sample) \(count)")
                }
            }
            let x = Self.allExponents
            let other = [Float](repeating: 1.5, count: x.count)
            let expected = run(operation, .scalar, x, other, &findings)
            for variant in Variant.others {
                let found = run(operation, variant, x, other, &findings)
                findings.requireSameBits(found, expected, "\(variant.isa) \(operation) of all exponents")
            }
        }
        findings.record()
    }

    @Test func siluIsWithinItsRoundingErrors() {
        var findings = Findings()
        let x = stride(from: Float(-100), through: 100, by: 0.0173).map { $0 }
        let up = x.map { 3 - $0 / 50 }
        for (index, found) in run(.siluMultiply, .scalar, x, up, &findings).enumerated() {
            let exact = Double(x[index]) / (1 + exp(-Double(x[index]))) * Double(up[index])
            // One unit in exp and four roundings; from -88 on exp is infinite and the result 0.
            findings.requireClose(found, exact, bound: 8 * roundoff * abs(exact) + 1e-35, "silu of \(x[index])")
        }
        findings.record()
    }

    @Test func geluIsWithinAMillionthOfTheExactValue() {
        var findings = Findings()
        let x = stride(from: Float(-20), through: 20, by: 0.00037).map { $0 }
        let tanhForm = run(.geluTanh, .scalar, x, [], &findings)
        let erfForm = run(.geluErf, .scalar, x, [], &findings)
        for (index, value) in x.enumerated() {
            let v = Double(value)
            let tanhExact = 0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)))
            findings.requireClose(tanhForm[index], tanhExact, bound: 1e-6, "gelu_tanh of \(value)")
            findings.requireClose(
                erfForm[index], 0.5 * v * erfc(-v / 2.0.squareRoot()), bound: 1e-6, "gelu_erf of \(value)")
        }
        findings.record()
    }

    @Test func softCapIsWithinAFewRoundingsOfTheExactValue() {
        var findings = Findings()
        let x = stride(from: Float(-60), through: 60, by: 0.00137).map { $0 }
        for (index, found) in run(.softCap, .scalar, x, [], &findings).enumerated() {
            findings.requireClose(found, 3 * tanh(Double(x[index]) / 3), bound: 6e-7, "soft cap of \(x[index])")
        }
        #expect(run(.softCap, .scalar, [.infinity, -.infinity, 1e30, 0], [], &findings) == [3, -3, 3, 0])
        findings.record()
    }

    @Test func geluOfHugeValuesIsTheValueOrZero() {
        var findings = Findings()
        for operation in [Operation.geluTanh, .geluErf] {
            let found = run(operation, .scalar, [1e30, -1e30, 100, -100, 0], [], &findings)
            #expect(found == [1e30, 0, 100, 0, 0])
        }
        findings.record()
    }
}
