import CKernels
import TestSupport
import Testing

@Suite struct ToF16Tests {
    private func convert(_ variant: Variant, _ values: [Float], _ findings: inout Findings) -> [UInt16] {
        let x = GuardedArray(values)
        let y = GuardedArray(count: values.count, of: UInt16(0xDEAD))
        unsafe variant.table.pointee.to_f16(values.count, x.pointer, y.pointer)
        findings.requireIntact(y, what: variant.isa)
        return y.values
    }

    /// Each f16 value, the midpoints to its neighbours, and the floats next to all of these.
    private static let nearTies: [Float] = (0...UInt16.max).flatMap { bits -> [Float] in
        let value = Float16(bitPattern: bits)
        guard value.isFinite else { return [Float(value)] }
        // The last midpoint is where rounding starts to give infinity.
        let next = value.nextUp.isFinite ? Float(value.nextUp) : 65536
        let middle = (Float(value) + next) / 2
        return [Float(value), Float(value).nextUp, Float(value).nextDown, middle, middle.nextUp, middle.nextDown]
    }

    @Test func everyTieGoesToTheEvenNeighbour() {
        var findings = Findings()
        let values = Self.nearTies + [.infinity, -.infinity, .leastNonzeroMagnitude, 65519.996, 65520, -65520, 1e30]
        for variant in [Variant.scalar] + Variant.others {
            let found = convert(variant, values, &findings)
            for (value, bits) in zip(values, found) where !value.isNaN {
                findings.require(bits == Float16(value).bitPattern, "\(variant.isa) \(value) gives \(bits)")
            }
        }
        findings.record()
    }

    @Test func nanStaysNaN() {
        var findings = Findings()
        let values = [UInt32(0x7F80_0001), 0x7FC0_0000, 0xFFFF_FFFF, 0x7F80_1FFF].map { Float(bitPattern: $0) }
        for variant in [Variant.scalar] + Variant.others {
            // Eight copies pass through the registers, one through the tail.
            let found = convert(variant, values.flatMap { Array(repeating: $0, count: 9) }, &findings)
            findings.require(found.allSatisfy { Float16(bitPattern: $0).isNaN }, "\(variant.isa) \(found)")
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases)
    func everyVariantGivesTheScalarBits(_ sample: Sample) {
        var random = SeededRandom(seed: 5)
        var findings = Findings()
        for count in lengths {
            let values = sample.values(count, using: &random)
            let expected = convert(.scalar, values, &findings)
            for variant in Variant.others {
                findings.require(convert(variant, values, &findings) == expected, "\(variant.isa) \(sample) \(count)")
            }
        }
        findings.record()
    }
}
