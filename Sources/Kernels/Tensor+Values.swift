public import Tensors

extension Tensor {
    /// All elements as f32, in row-major order. Rows fill whole blocks.
    public func floats(_ table: KernelTable = .best) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            count = elementCount
            guard let output = buffer.baseAddress, let weights = unsafe bytes.baseAddress else { return }
            unsafe table.dequantize(count: elementCount, weights: weights, type: dtype, output: output)
        }
    }

    /// The matrix [m, k] as an f32 matrix [k, m] of its own.
    public func transposed() -> Tensor {
        precondition(shape.count == 2, "transposing a tensor of shape \(shape)")
        let (rows, columns) = (shape[0], shape[1])
        let source = floats()
        let target = unsafe [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            for column in 0..<columns {
                for row in 0..<rows { unsafe buffer[column * rows + row] = source[row * columns + column] }
            }
            count = elementCount
        }
        return Tensor(shape: [columns, rows], values: target)
    }
}
