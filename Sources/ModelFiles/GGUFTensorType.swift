public import Tensors

/// An element type of ggml, numbered as in GGUF files, with the size of its blocks.
struct GGUFTensorType {
    let name: String
    /// Elements per block and bytes per block; nil for numbers that are not known, or no longer in use.
    let block: (elements: Int, bytes: Int)?
    /// The type to compute with, where it is supported.
    let dtype: DType?

    init(number: UInt32) {
        if let dtype = Self.supported.first(where: { $0.number == number })?.dtype {
            self.init(dtype)
        } else if let (name, elements, bytes) = Self.unsupported[number] {
            self.init(name: name, block: (elements, bytes), dtype: nil)
        } else {
            self.init(name: "number \(number)", block: nil, dtype: nil)
        }
    }

    /// GGUF's number of the type.
    static func number(of dtype: DType) -> UInt32 {
        guard let number = supported.first(where: { $0.dtype == dtype })?.number else {
            preconditionFailure("\(dtype) has no number in GGUF")
        }
        return number
    }

    /// The types that can be computed with, by their numbers.
    private static let supported: [(number: UInt32, dtype: DType)] = [
        (0, .f32), (1, .f16), (2, .q4_0), (3, .q4_1), (6, .q5_0), (7, .q5_1), (8, .q8_0), (10, .q2_k), (11, .q3_k),
        (12, .q4_k), (13, .q5_k), (14, .q6_k), (15, .q8_k), (20, .iq4_nl), (23, .iq4_xs), (30, .bf16), (34, .tq1_0),
        (35, .tq2_0),
    ]

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
        9: ("Q8_1", 32, 36), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
        19: ("IQ1_S", 256, 50), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
        26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 39: ("MXFP4", 32, 17),
        40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
    ]
}

extension DType {
    /// GGUF's number of the type.
    public var ggufNumber: UInt32 { GGUFTensorType.number(of: self) }
}
