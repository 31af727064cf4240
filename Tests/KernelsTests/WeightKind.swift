import CKernels
import Tensors
import TestSupport

/// One type of weights at the kernels' border: its sizes and its slots.
enum WeightKind: CaseIterable {
    case f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_NL, q2_K, q3_K, q4_K, q5_K, q6_K, q8_K, iq4_XS, tq1_0, tq2_0

    static let quantised = allCases.filter { !floats.contains($0) }
    static let floats: [WeightKind] = [.f32, .f16, .bf16]

    var type: ck_type {
        switch self {
        case .f32: CK_F32
        case .f16: CK_F16
        case .bf16: CK_BF16
        case .q8_0: CK_Q8_0
        case .q4_0: CK_Q4_0
        case .q4_1: CK_Q4_1
        case .q5_0: CK_Q5_0
        case .q5_1: CK_Q5_1
        case .iq4_NL: CK_IQ4_NL
        case .q2_K: CK_Q2_K
        case .q3_K: CK_Q3_K
        case .q4_K: CK_Q4_K
        case .q5_K: CK_Q5_K
        case .q6_K: CK_Q6_K
        case .q8_K: CK_Q8_K
        case .iq4_XS: CK_IQ4_XS
        case .tq1_0: CK_TQ1_0
        case .tq2_0: CK_TQ2_0
        }
    }

    /// Elements and bytes of a block, and where f16 scales stand in it.
    var block: (elements: Int, bytes: Int, scales: [Int]) {
        switch self {
        case .f32: (1, 4, [])
        case .f16, .bf16: (1, 2, [])
        case .q8_0: (32, 34, [0])
        case .q4_0, .iq4_NL: (32, 18, [0])
        case .q4_1: (32, 20, [0, 2])
        case .q5_0: (32, 22, [0])
        case .q5_1: (32, 24, [0, 2])
        case .q2_K: (256, 84, [80, 82])
        case .q3_K: (256, 110, [108])
        case .q4_K: (256, 144, [0, 2])
        case .q5_K: (256, 176, [0, 2])
        case .q6_K: (256, 210, [208])
        case .q8_K: (256, 292, [])
        case .iq4_XS: (256, 136, [0])
        case .tq1_0: (256, 54, [52])
        case .tq2_0: (256, 66, [64])
        }
    }

    /// The stored weight that stands for zero, and the elements of a sum.
    var activations: (zero: Int32, span: Int) {
        switch self {
        case .f32, .f16, .bf16, .q4_1, .q5_1, .q4_K, .q5_K: (0, 32)
        case .q8_0, .q8_K, .iq4_NL, .iq4_XS: (128, 32)
        case .q5_0: (16, 32)
        case .q4_0: (8, 32)
        case .tq1_0, .tq2_0: (1, 32)
        case .q6_K: (32, 16)
        case .q3_K: (4, 16)
        case .q2_K: (1, 16)
        }
    }

    /// How much larger a minimum may be than the values that it is taken from.
    var cancellation: Double {
        switch self {
        case .q2_K, .q4_K, .q5_K: 16
        case .q4_1, .q5_1: 64
        default: 1
        }
    }

    func rowBytes(_ k: Int) -> Int { k / block.elements * block.bytes }

    /// Any bytes: NaN, infinite and subnormal scales too.
    func wildBytes(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
        (0..<count / block.elements * block.bytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Any bytes with scales (or, where there are none, values) of either sign and magnitude 2^-5 to 2^-1.
    func tameBytes(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
        if block.elements == 1 {
            return (0..<count).flatMap { _ in
                let value = Float.random(in: 0.03...0.5, using: &random) * (random.next() & 1 == 0 ? 1 : -1)
                let half = self == .f16 ? Float16(value).bitPattern : UInt16(value.bitPattern >> 16)
                let low = self == .f32 ? [UInt8(value.bitPattern & 255), UInt8(value.bitPattern >> 8 & 255)] : []
                return low + [UInt8(half & 255), UInt8(half >> 8)]
            }
        }
        var bytes = wildBytes(count, using: &random)
        for start in stride(from: 0, to: bytes.count, by: block.bytes) {
            for offset in block.scales {
                bytes[start + offset + 1] = 0x28 | bytes[start + offset + 1] & 0x8F
            }
            // The f32 scale: sign, exponent -6 to -3, any fraction.
            if self == .q8_K {
                bytes[start + 3] = 0x3C | bytes[start + 3] & 0x81
                bytes[start + 2] |= 0x80
            }
        }
        return bytes
    }

    /// The values of whole blocks.
    func values(_ bytes: [UInt8]) -> [Float] {
        let count = bytes.count / block.bytes * block.elements
        var values = [Float](repeating: 0, count: count)
        let slots = unsafe ck_table_scalar().pointee
        switch self {
        case .f32: values = ReferenceQuantisation.decode(bytes, as: .f32)
        case .f16: unsafe slots.dequantize_f16(count, bytes, &values)
        case .bf16: unsafe slots.dequantize_bf16(count, bytes, &values)
        case .q8_0: unsafe slots.dequantize_q8_0(count, bytes, &values)
        case .q4_0: unsafe slots.dequantize_q4_0(count, bytes, &values)
        case .q4_1: unsafe slots.dequantize_q4_1(count, bytes, &values)
        case .q5_0: unsafe slots.dequantize_q5_0(count, bytes, &values)
        case .q5_1: unsafe slots.dequantize_q5_1(count, bytes, &values)
        case .iq4_NL: unsafe slots.dequantize_iq4_nl(count, bytes, &values)
        case .q2_K: unsafe slots.dequantize_q2_k(count, bytes, &values)
        case .q3_K: unsafe slots.dequantize_q3_k(count, bytes, &values)
        case .q4_K: unsafe slots.dequantize_q4_k(count, bytes, &values)
        case .q5_K: unsafe slots.dequantize_q5_k(count, bytes, &values)
        case .q6_K: unsafe slots.dequantize_q6_k(count, bytes, &values)
        case .q8_K: unsafe slots.dequantize_q8_k(count, bytes, &values)
        case .iq4_XS: unsafe slots.dequantize_iq4_xs(count, bytes, &values)
        case .tq1_0: unsafe slots.dequantize_tq1_0(count, bytes, &values)
        case .tq2_0: unsafe slots.dequantize_tq2_0(count, bytes, &values)
        }
        return values
    }

    /// The matrix packed, between guards.
    func pack(_ bytes: [UInt8], m: Int, k: Int) -> GuardedArray<UInt8> {
        let groupBytes = ck_group_bytes(type, k)
        let rows = Int(CK_GROUP)
        let source = GuardedArray(bytes)
        let packed = GuardedArray(count: (m + rows - 1) / rows * groupBytes, of: UInt8(0xEE))
        for first in stride(from: 0, to: m, by: rows) {
            unsafe ck_pack(
                type, min(rows, m - first), k, rowBytes(k), source.pointer + first * rowBytes(k),
                packed.pointer + first / rows * groupBytes)
        }
        return packed
    }
}

/// One product with room between the rows of `x` and `y`.
struct Product {
    let kind: WeightKind
    let rows: Int, m: Int, k: Int
    let bytes: [UInt8]
    let packed: GuardedArray<UInt8>
    let x: GuardedArray<Float>
    let bias: GuardedArray<Float>?
    var xStride: Int { k + 32 }
    var yStride: Int { m + 2 }

    /// `x` is `[rows, xStride]` less what stands behind the last row.
    init(_ kind: WeightKind, rows: Int, m: Int, k: Int, bytes: [UInt8], x: [Float], bias: [Float]? = nil) {
        (self.kind, self.rows, self.m, self.k, self.bytes) = (kind, rows, m, k, bytes)
        packed = kind.pack(bytes, m: m, k: k)
        self.x = GuardedArray(x)
        self.bias = bias.map { GuardedArray($0) }
    }

    static func activationCount(rows: Int, k: Int) -> Int { max(0, rows * (k + 32) - 32) }

    /// The quantised activations, `[rows, xStride / 32]`, less what stands behind the last row.
    func blocks(_ variant: Variant) -> GuardedArray<ck_block> {
        let blocks = GuardedArray(count: x.count / 32, of: ck_block())
        let (zero, span) = kind.activations
        unsafe variant.table.pointee.quantize(x.count, zero, span, x.pointer, blocks.pointer)
        return blocks
    }

    /// y as `[rows, m]`; the room between its rows stays as it was or is a finding. `part` of the rows and outputs from
    /// a group on, or all.
    func run(_ variant: Variant, _ findings: inout Findings, rows part: Range<Int>? = nil, outputs: Range<Int>? = nil)
        -> [Float]
    {
        let (rows, outputs) = (part ?? 0..<self.rows, outputs ?? 0..<m)
        let y = GuardedArray(count: max(0, rows.count * yStride - (yStride - outputs.count)), of: Float(1e30))
        let slots = unsafe variant.table.pointee
        let group = unsafe packed.pointer + outputs.lowerBound / Int(CK_GROUP) * ck_group_bytes(kind.type, k)
        let bias = unsafe bias.map { unsafe UnsafePointer($0.pointer) + outputs.lowerBound }
        if WeightKind.floats.contains(kind) {
            let multiply =
                switch kind {
                case .f32: unsafe slots.multiply_f32
                case .f16: unsafe slots.multiply_f16
                default: unsafe slots.multiply_bf16
                }
            unsafe multiply?(
                rows.count, outputs.count, k, group, x.pointer + rows.lowerBound * xStride, xStride, bias, y.pointer,
                yStride)
        } else {
            let multiply =
                switch kind {
                case .q8_0: unsafe slots.multiply_q8_0
                case .q4_0: unsafe slots.multiply_q4_0
                case .q4_1: unsafe slots.multiply_q4_1
                case .q5_0: unsafe slots.multiply_q5_0
                case .q5_1: unsafe slots.multiply_q5_1
                case .iq4_NL: unsafe slots.multiply_iq4_nl
                case .q2_K: unsafe slots.multiply_q2_k
                case .q3_K: unsafe slots.multiply_q3_k
                case .q4_K: unsafe slots.multiply_q4_k
                case .q5_K: unsafe slots.multiply_q5_k
                case .q6_K: unsafe slots.multiply_q6_k
                case .q8_K: unsafe slots.multiply_q8_k
                case .iq4_XS: unsafe slots.multiply_iq4_xs
                default: unsafe slots.multiply_tq2_0
                }
            let blocks = blocks(variant)
            let first = unsafe blocks.pointer + rows.lowerBound * xStride / 32
            let together = unsafe Int(slots.packed_rows)
            let packed = GuardedArray(
                count: (rows.count + together - 1) / together * together * k / 32, of: ck_block())
            unsafe slots.pack_rows(rows.count, k / 32, first, xStride / 32, packed.pointer)
            unsafe multiply?(
                rows.count, outputs.count, k, group, first, xStride / 32, packed.pointer, bias, y.pointer, yStride)
        }
        let all = y.values
        let what = "\(variant.isa) \(kind) \(rows)x\(outputs)x\(k)"
        findings.requireIntact(y, x, what: what)
        for index in all.indices where index % yStride >= outputs.count && all[index] != 1e30 {
            findings.require(false, "\(what) wrote between rows at \(index)")
        }
        return all.indices.filter { $0 % yStride < outputs.count }.map { all[$0] }
    }
}

/// The quantised activations of a block.
func integers(of block: ck_block) -> [Int] {
    unsafe withUnsafeBytes(of: block.q) { bytes in unsafe bytes.map { Int(Int8(bitPattern: $0)) } }
}
