import CKernels
import Foundation
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
        case .q4_1: unsafe slots.dequantize_q4_1(count, bytes.pointer, y.pointer)
        case .q5_0: unsafe slots.dequantize_q5_0(count, bytes.pointer, y.pointer)
        case .q5_1: unsafe slots.dequantize_q5_1(count, bytes.pointer, y.pointer)
        case .iq4_nl: unsafe slots.dequantize_iq4_nl(count, bytes.pointer, y.pointer)
        case .q2_k: unsafe slots.dequantize_q2_k(count, bytes.pointer, y.pointer)
        case .q3_k: unsafe slots.dequantize_q3_k(count, bytes.pointer, y.pointer)
        case .q4_k: unsafe slots.dequantize_q4_k(count, bytes.pointer, y.pointer)
        case .q5_k: unsafe slots.dequantize_q5_k(count, bytes.pointer, y.pointer)
        case .q6_k: unsafe slots.dequantize_q6_k(count, bytes.pointer, y.pointer)
        case .q8_k: unsafe slots.dequantize_q8_k(count, bytes.pointer, y.pointer)
        case .iq4_xs: unsafe slots.dequantize_iq4_xs(count, bytes.pointer, y.pointer)
        case .tq1_0: unsafe slots.dequantize_tq1_0(count, bytes.pointer, y.pointer)
        case .tq2_0: unsafe slots.dequantize_tq2_0(count, bytes.pointer, y.pointer)
        }
        return y
    }

    @Test(arguments: DType.allCases.filter { $0 != .f32 })
    func everyValueIsExact(_ type: DType) {
        var random = SeededRandom(seed: 4)
        var findings = Findings()
        let blocks = type.blockElements == 1 ? [0, 1, 7, 8, 9, 31, 33, 1000] : [0, 1, 2, 3, 32]
        let counts = blocks.map { $0 * type.blockElements }
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

    private struct Blocks: Decodable {
        let type: String
        let bytes: String
        let values: String
    }

    @Test func blocksAreThoseOfTheReferenceReader() throws {
        let path = "\(TestFiles.fixtures(of: "KernelsTests"))/quant_blocks.json"
        let file = try #require(TestFiles.bytes(of: path), "no \(path)")
        var findings = Findings()
        var seen: Set<DType> = []
        for blocks in try JSONDecoder().decode([Blocks].self, from: Data(file)) {
            let type = try #require(DType.allCases.first { $0.name == blocks.type })
            let bytes = Self.bytes(ofHexadecimal: blocks.bytes)
            let expected = ReferenceQuantisation.decode(Self.bytes(ofHexadecimal: blocks.values), as: .f32)
            #expect(expected.count == 1024 || expected.count == 128, "\(blocks.type)")
            seen.insert(type)
            for variant in [Variant.scalar] + Variant.others {
                let y = dequantize(variant, type, count: expected.count, bytes: GuardedArray(bytes))
                findings.requireSameBits(y.values, expected, "\(variant.isa) \(type)")
            }
            findings.requireSameBits(ReferenceQuantisation.decode(bytes, as: type), expected, "oracle \(type)")
        }
        #expect(seen == Set(DType.allCases.filter { $0.blockElements > 1 }))
        findings.record()
    }

    private static func bytes(ofHexadecimal text: String) -> [UInt8] {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map { UInt8($0) } }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
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
