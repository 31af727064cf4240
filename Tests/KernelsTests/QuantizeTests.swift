import CKernels
import TestSupport
import Testing

/// Activations as 8-bit integers.
@Suite struct QuantizeTests {
    private func quantise(_ variant: Variant, _ x: [Float], zero: Int32, span: Int) -> [ck_block] {
        let input = GuardedArray(x)
        let output = GuardedArray(count: x.count / 32, of: ck_block())
        unsafe variant.table.pointee.quantize(x.count, zero, span, input.pointer, output.pointer)
        return output.values
    }

    /// Blocks that rounding could go wrong on.
    private func hostileValues() -> [Float] {
        var random = SeededRandom(seed: 8)
        var values = Sample.allCases.flatMap { $0.values(32 * 9, using: &random) }
        // Halves between two integers, with the scale 1.
        values += (0..<32).map { $0 == 31 ? 127 : Float($0) - 15.5 }
        for special in [Float.nan, -.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 0x1p-100, 0x1p-101, 1e-37] {
            var block = Sample.ordinary.values(32, using: &random).map { $0 * min(1, abs(special)) }
            block[17] = special
            values += block
        }
        return values
    }

    @Test(arguments: [(Int32(128), 32), (16, 32), (8, 32), (1, 32), (0, 32), (32, 16), (4, 16), (1, 16)])
    func everyVariantGivesTheScalarBlocks(zero: Int32, span: Int) {
        var findings = Findings()
        let values = hostileValues()
        let expected = quantise(.scalar, values, zero: zero, span: span)
        for variant in Variant.others {
            let found = quantise(variant, values, zero: zero, span: span)
            for (index, (found, expected)) in zip(found, expected).enumerated() {
                let what = "\(variant.isa) block \(index)"
                findings.requireSameBits(
                    [found.scale, found.scaled_sum], [expected.scale, expected.scaled_sum], what)
                findings.require(found.start == expected.start, "\(what) starts at \(found.start)")
                findings.require(integers(of: found) == integers(of: expected), "\(what) has other integers")
            }
        }
        findings.record()
    }

    @Test func valuesAreWithinHalfAStepAndSumsAreRight() {
        var findings = Findings()
        let values = hostileValues()
        let whole = quantise(.scalar, values, zero: 8, span: 32)
        let halves = quantise(.scalar, values, zero: 32, span: 16)
        for index in whole.indices {
            let block = Array(values[32 * index..<32 * index + 32])
            let q = integers(of: whole[index])
            let sum = q.reduce(0, +)
            findings.require(whole[index].start == (Int32(-8 * sum), 0), "block \(index)")
            let halfSums = (q[..<16].reduce(0, +), q[16...].reduce(0, +))
            findings.require(
                halves[index].start == (Int32(-32 * halfSums.0), Int32(-32 * halfSums.1)), "block \(index)")
            guard block.allSatisfy({ $0.isFinite }) else {
                findings.require(whole[index].scale.isNaN && q.allSatisfy { $0 == 0 }, "block \(index) is a number")
                continue
            }
            let scale = Double(whole[index].scale)
            findings.require(whole[index].scaled_sum == whole[index].scale * Float(sum), "block \(index)")
            for (value, q) in zip(block, q) {
                let bound = max(0.5001 * scale, 0x1p-100)
                findings.requireClose(value, Double(q) * scale, bound: bound, "block \(index)")
            }
        }
        findings.record()
    }
}
