import CKernels
import Tensors
import TestSupport

/// One type of weights at the kernels' border: its sizes and its slots.
enum WeightKind: CaseIterable {
    case f32, f16, bf16, q8_0, q4_0, q4_K, q6_K

    static let quantised: [WeightKind] = [.q8_0, .q4_0, .q4_K, .q6_K]
    static let floats: [WeightKind] = [.f32, .f16, .bf16]

    var type: ck_type {
        switch self {
        case .f32: CK_F32
        case .f16: CK_F16
        case .bf16: CK_BF16
        case .q8_0: CK_Q8_0
        case .q4_0: CK_Q4_0
        case .q4_K: CK_Q4_K
        case .q6_K: CK_Q6_K
        }
    }

    /// Elements and bytes of a block, and where f16 scales stand in it.
    var block: (elements: Int, bytes: Int, scales: [Int]) {
        switch self {
        case .f32: (1, 4, [])
        case .f16, .bf16: (1, 2, [])
        case .q8_0: (32, 34, [0])
        case .q4_0: (32, 18, [0])
        case .q4_K: (256, 144, [0, 2])
        case .q6_K: (256, 210, [208])
        }
    }

    /// The stored weight that stands for zero, and the elements of a sum.
    var activations: (zero: Int32, span: Int) {
        switch self {
        case .f32, .f16, .bf16, .q4_K: (0, 32)
        case .q8_0: (128, 32)
        case .q4_0: (8, 32)
        case .q6_K: (32, 16)
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
        case .q4_K: unsafe slots.dequantize_q4_k(count, bytes, &values)
        case .q6_K: unsafe slots.dequantize_q6_k(count, bytes, &values)
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
                case .q4_K: unsafe slots.multiply_q4_k
                default: unsafe slots.multiply_q6_k
                }
            let blocks = blocks(variant)
            unsafe multiply?(
                rows.count, outputs.count, k, group, blocks.pointer + rows.lowerBound * xStride / 32, xStride / 32,
                bias, y.pointer, yStride)
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
