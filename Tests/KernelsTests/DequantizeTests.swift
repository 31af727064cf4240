import CKernels
import Tensors
import TestSupport
import Testing

@Suite struct DequantizeTests {
    private func dequantize(
        _ variant: Variant, _ type: DType, count: Int, bytes: GuardedArray<UInt8>
    ) -> GuardedArray<Float> {
        let y = GuardedArray(count: count, of: Float(1e30))
        let slots = unsafe variant.table.pointee
        switch type {
        case .f32: break
        case .f16: unsafe slots.dequantize_f16(count, bytes.pointer, y.pointer)
        case .bf16: unsafe slots.dequantize_bf16(count, bytes.pointer, y.pointer)
        case .q8_0: unsafe slots.dequantize_q8_0(count, bytes.pointer, y.pointer)
        case .q4_0: unsafe slots.dequantize_q4_0(count, bytes.pointer, y.pointer)
        }
        return y
    }

    @Test(arguments: [DType.f16, .bf16, .q8_0, .q4_0])
    func everyValueIsExact(_ type: DType) {
        var random = SeededRandom(seed: 4)
        var findings = Findings()
        let counts = type.blockElements == 1 ? [0, 1, 7, 8, 9, 31, 33, 1000] : [0, 32, 64, 96, 1024]
        for count in counts {
            let byteCount = count / type.blockElements * type.blockBytes
            // All bit patterns are valid, NaN and subnormal scales too.
            let bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let expected = ReferenceQuantisation.decode(bytes, as: type)
            let guarded = GuardedArray(bytes)
            for variant in [Variant.scalar] + Variant.others {
                let y = dequantize(variant, type, count: count, bytes: guarded)
                findings.requireSameBits(y.values, expected, "\(variant.isa) \(type) \(count)")
                findings.requireIntact(y, what: "\(variant.isa) \(type) \(count)")
            }
        }
        findings.record()
    }

    @Test func everyF16PatternIsExact() {
        var findings = Findings()
        let patterns = (0...UInt16.max).map { $0 }
        let bytes = GuardedArray(patterns.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
        let expected = patterns.map { Float(Float16(bitPattern: $0)) }
        for variant in [Variant.scalar] + Variant.others {
            let y = dequantize(variant, .f16, count: patterns.count, bytes: bytes)
            findings.requireSameBits(y.values, expected, variant.isa)
        }
        findings.record()
    }
}
