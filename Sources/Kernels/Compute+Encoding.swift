internal import CKernels
internal import Synchronization
public import Tensors

/// Weights in another element type.
extension Compute {
    /// The types that `encode` writes.
    public static let encodableTypes: Set<DType> = [
        .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q4_k, .q5_k, .q6_k,
    ]

    /// Elements that a thread takes at a time: whole blocks of every type.
    private static let encodedElements = 4096

    /// The elements in `range` of `tensor`, in row-major order, as bytes of one of `encodableTypes`, or nil where one
    /// is NaN or larger than f16 can hold. The range fills whole blocks of both types. Scales of blocks are searched
    /// for the least squared error. The bytes do not depend on threads or kernel table.
    public func encode(_ tensor: Tensor, elements range: Range<Int>, as type: DType) -> AlignedBuffer<UInt8>? {
        precondition(Self.encodableTypes.contains(type), "nothing writes \(type)")
        precondition(range.lowerBound >= 0 && range.upperBound <= tensor.elementCount, "\(range) of \(tensor.shape)")
        guard let start = tensor.dtype.byteCount(elements: range.lowerBound),
            let byteCount = type.byteCount(elements: range.count),
            tensor.dtype.byteCount(elements: range.count) != nil
        else { preconditionFailure("\(range) does not fill blocks of \(tensor.dtype) and \(type)") }
        let output = unsafe AlignedBuffer<UInt8>(uninitializedCount: byteCount)
        guard let base = unsafe tensor.bytes.baseAddress else { return output }
        let source = unsafe base + start
        let isEncodable = Atomic(true)
        let piece = Self.encodedElements
        team.run(count: (range.count + piece - 1) / piece) { index, _ in
            let count = min(piece, range.count - index * piece)
            let from = unsafe source + index * piece / tensor.dtype.blockElements * tensor.dtype.blockBytes
            let to = unsafe output.base + index * piece / type.blockElements * type.blockBytes
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
                guard let values = values.baseAddress else { return }
                unsafe table.dequantize(count: count, weights: from, type: tensor.dtype, output: values)
                guard unsafe type == .f32 || ck_is_encodable(count, values) != 0 else {
                    return isEncodable.store(false, ordering: .relaxed)
                }
                unsafe encode(values, count: count, as: type, to: to)
            }
        }
        return isEncodable.load(ordering: .relaxed) ? output : nil
    }

    @unsafe private func encode(
        _ values: UnsafePointer<Float>, count: Int, as type: DType, to output: UnsafeMutablePointer<UInt8>
    ) {
        switch type {
        case .f32: unsafe UnsafeMutableRawPointer(output).copyMemory(from: values, byteCount: 4 * count)
        case .f16:
            unsafe UnsafeMutableRawPointer(output).withMemoryRebound(to: UInt16.self, capacity: count) { halves in
                unsafe table.slots.pointee.to_f16(count, values, halves)
            }
        default: unsafe ck_encode(type.kernelType, count, values, output)
        }
    }
}
