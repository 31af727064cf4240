internal import Tensors

/// An element type of the safetensors format.
struct SafetensorsType {
    let name: String
    /// Bits per element, or nil for names that are not known.
    let bits: Int?
    /// The type to compute with, where it is supported.
    let dtype: DType?

    init(name: String) {
        self.name = name
        switch name {
        case "F32": (bits, dtype) = (32, .f32)
        case "F16": (bits, dtype) = (16, .f16)
        case "BF16": (bits, dtype) = (16, .bf16)
        case "F64", "I64", "U64", "C64": (bits, dtype) = (64, nil)
        case "I32", "U32": (bits, dtype) = (32, nil)
        case "I16", "U16": (bits, dtype) = (16, nil)
        case "BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0": (bits, dtype) = (8, nil)
        case "F6_E2M3", "F6_E3M2": (bits, dtype) = (6, nil)
        case "F4": (bits, dtype) = (4, nil)
        default: (bits, dtype) = (nil, nil)
        }
    }

    /// Bytes of a shape, rounded up to whole bytes, or nil where the type's size is not known.
    func byteCount(shape: [UInt64]) throws(FormatFault) -> Int? {
        let elements = try checkedElementCount(shape)
        guard let bits else { return nil }
        let (total, overflow) = elements.multipliedReportingOverflow(by: bits)
        guard !overflow else { throw .sizeOverflow(shape: shape) }
        return total / 8 + (total % 8 == 0 ? 0 : 1)
    }
}
