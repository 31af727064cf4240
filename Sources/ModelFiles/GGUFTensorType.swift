internal import Tensors

/// An element type of ggml, numbered as in GGUF files, with the size of its blocks.
struct GGUFTensorType {
    let name: String
    /// Elements per block and bytes per block; nil for numbers that are not known, or no longer in use.
    let block: (elements: Int, bytes: Int)?
    /// The type to compute with, where it is supported.
    let dtype: DType?

    init(number: UInt32) {
        switch number {
        case 0: self.init(.f32)
        case 1: self.init(.f16)
        case 2: self.init(.q4_0)
        case 8: self.init(.q8_0)
        case 12: self.init(.q4_k)
        case 14: self.init(.q6_k)
        case 30: self.init(.bf16)
        default:
            if let (name, elements, bytes) = Self.unsupported[number] {
                self.init(name: name, block: (elements, bytes), dtype: nil)
            } else {
                self.init(name: "number \(number)", block: nil, dtype: nil)
            }
        }
    }

    private init(_ dtype: DType) {
        self.init(name: dtype.name, block: (dtype.blockElements, dtype.blockBytes), dtype: dtype)
    }

    private init(name: String, block: (elements: Int, bytes: Int)?, dtype: DType?) {
        self.name = name
        self.block = block
        self.dtype = dtype
    }

    /// Bytes of a tensor whose rows are the last dimension of `shape`, or nil where the type's size is not known.
    func byteCount(shape: [UInt64]) throws(FormatFault) -> Int? {
        guard !shape.contains(0) else { throw .emptyDimension(shape: shape) }
        let elements = try checkedElementCount(shape)
        guard let block else { return nil }
        let rowLength = shape.last.map { Int($0) } ?? 1
        guard rowLength % block.elements == 0 else {
            throw .partialBlock(rowLength: rowLength, blockElements: block.elements, type: name)
        }
        let (bytes, overflow) = (elements / block.elements).multipliedReportingOverflow(by: block.bytes)
        guard !overflow else { throw .sizeOverflow(shape: shape) }
        return bytes
    }

    /// Name, elements per block and bytes per block of the types that can be listed but not computed with.
    private static let unsupported: [UInt32: (String, Int, Int)] = [
        3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 9: ("Q8_1", 32, 40),
        10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 13: ("Q5_K", 256, 176), 15: ("Q8_K", 256, 292),
        16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
        18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
        22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
        27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
        39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
    ]
}
