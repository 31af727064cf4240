public import Tensors

/// Plain encoders and decoders of each element type, the oracle for readers and kernels. Quantised types follow the
/// reference quantisers of ggml (ggml-quants.c, quantize_row_q8_0_ref and quantize_row_q4_0_ref), but for the K types,
/// whose encoders are simpler than ggml's.
public enum ReferenceQuantisation {
    /// The bytes of `values` in the given type, little-endian. The values must fill whole blocks.
    public static func encode(_ values: [Float], as type: DType) -> [UInt8] {
        precondition(values.count % type.blockElements == 0, "\(values.count) values do not fill blocks of \(type)")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count / type.blockElements * type.blockBytes)
        switch type {
        case .f32: for value in values { append(value.bitPattern, to: &bytes) }
        case .f16: for value in values { append(Float16(value).bitPattern, to: &bytes) }
        case .bf16: for value in values { append(bf16(value), to: &bytes) }
        case .q8_0: for block in blocks(of: values) { appendQ8(block, to: &bytes) }
        case .q4_0: for block in blocks(of: values) { appendQ4(block, to: &bytes) }
        case .q4_k: for block in blocks(of: values, size: 256) { appendQ4K(Array(block), to: &bytes) }
        case .q6_k: for block in blocks(of: values, size: 256) { appendQ6K(Array(block), to: &bytes) }
        default:
            for block in blocks(of: values, size: type.blockElements) { bytes += Self.block(of: Array(block), type) }
        }
        return bytes
    }

    /// The values that bytes of the given type stand for.
    public static func decode(_ bytes: [UInt8], as type: DType) -> [Float] {
        precondition(bytes.count % type.blockBytes == 0, "\(bytes.count) bytes do not fill blocks of \(type)")
        var values: [Float] = []
        for start in stride(from: 0, to: bytes.count, by: type.blockBytes) {
            let half = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
            switch type {
            case .f32:
                let high = UInt32(bytes[start + 2]) << 16 | UInt32(bytes[start + 3]) << 24
                values.append(Float(bitPattern: UInt32(half) | high))
            case .f16: values.append(Float(Float16(bitPattern: half)))
            case .bf16: values.append(Float(bitPattern: UInt32(half) << 16))
            case .q8_0:
                let scale = Float(Float16(bitPattern: half))
                for byte in bytes[(start + 2)..<(start + 34)] { values.append(scale * Float(Int8(bitPattern: byte))) }
            case .q4_0:
                let scale = Float(Float16(bitPattern: half))
                let packed = bytes[(start + 2)..<(start + 18)]
                for byte in packed { values.append(scale * Float(Int(byte & 15) - 8)) }
                for byte in packed { values.append(scale * Float(Int(byte >> 4) - 8)) }
            case .q4_k: values += valuesOfQ4K(Array(bytes[start..<start + 144]))
            case .q6_k: values += valuesOfQ6K(Array(bytes[start..<start + 210]))
            default: values += Self.values(ofBlock: Array(bytes[start..<start + type.blockBytes]), type)
            }
        }
        return values
    }

    private static func blocks(of values: [Float], size: Int = 32) -> [ArraySlice<Float>] {
        stride(from: 0, to: values.count, by: size).map { values[$0..<($0 + size)] }
    }

    /// The largest magnitude becomes 127.
    private static func appendQ8(_ block: ArraySlice<Float>, to bytes: inout [UInt8]) {
        let scale = (block.map(\.magnitude).max() ?? 0) / 127
        let inverse = scale.isNormal ? 1 / scale : 0
        append(Float16(scale).bitPattern, to: &bytes)
        for value in block {
            bytes.append(UInt8(bitPattern: Int8((value * inverse).rounded(.toNearestOrAwayFromZero))))
        }
    }

    /// The value of largest magnitude, with its sign, becomes −8.
    private static func appendQ4(_ block: ArraySlice<Float>, to bytes: inout [UInt8]) {
        var extreme: Float = 0
        for value in block where value.magnitude > extreme.magnitude { extreme = value }
        let scale = extreme / -8
        let inverse = scale.isNormal ? 1 / scale : 0
        append(Float16(scale).bitPattern, to: &bytes)
        let levels = block.map { UInt8(min(15, $0 * inverse + 8.5)) }
        for index in 0..<16 { bytes.append(levels[index] | levels[index + 16] << 4) }
    }

    /// Rounds to nearest, ties to even; NaN stays NaN.
    private static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(bits >> 16) | 0x40 }
        return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }

    static func append(_ integer: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}

extension Tensor {
    /// A copy of the tensor's bytes.
    public var copiedBytes: [UInt8] { unsafe Array(bytes) }

    /// A copy of the tensor's values, decoded one by one.
    public var referenceValues: [Float] { ReferenceQuantisation.decode(copiedBytes, as: dtype) }
}
