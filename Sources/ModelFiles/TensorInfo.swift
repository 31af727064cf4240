public import Tensors

/// What a model file says about one tensor.
public struct TensorInfo: Sendable, Equatable {
    public let name: String
    /// Outermost dimension first: `[rows, columns]`.
    public let shape: [Int]
    /// The type's name as the format spells it, supported or not: `F32`, `Q6_K`, `I64`, …
    public let typeName: String
    /// The type to compute with, or nil where it is not supported.
    public let dtype: DType?
    /// The path of the file that holds the tensor.
    public let file: String
    /// Where the tensor's bytes lie in the file; empty where the size of its type is not known.
    public let range: Range<Int>

    /// The product of `shape`.
    public var elementCount: Int { shape.reduce(1, *) }
}

/// The product of a shape read from a file. Throws where it, or the product of its other dimensions where one is 0,
/// is no Int.
func checkedElementCount(_ shape: [UInt64]) throws(FormatFault) -> Int {
    var product = 1
    for dimension in shape where dimension != 0 {
        guard let factor = Int(exactly: dimension) else { throw .sizeOverflow(shape: shape) }
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw .sizeOverflow(shape: shape) }
        product = next
    }
    return shape.contains(0) ? 0 : product
}
