internal import JSON
internal import Kernels
internal import Tensors

extension KernelBenchmark {
    /// Rows and columns of the matrices: larger than caches, and fuller than any block.
    private var typeShape: (rows: Int, columns: Int) { settings.isQuick ? (64, 256) : (16384, 4096) }

    /// Multiplications by one matrix of random weights of each quantised type, Q8_0 first. Each row tells its time per
    /// byte of weights as a multiple of Q8_0's.
    func rowsOfTypes(progress: (String) -> Void) throws -> [BenchmarkRow] {
        let compute = try Compute(threadCount: threads)
        defer { compute.stop() }
        var rows: [BenchmarkRow] = []
        var baseline: [Int: Double] = [:]
        for type in WeightType.allCases where type.dtype.blockElements > 1 {
            progress("multiply \(type.rawValue)")
            let matrix = PackedMatrix(matrix(type))
            for count in [1, 8] {
                var row = multiply("random", matrix, rows: count, compute)
                // GOP/s: the operations are the same for all types.
                let bytes = Double(type.byteCount(elements: matrix.rows * matrix.columns))
                let rate = row.summary.median * bytes
                if type == .q8_0 { baseline[count] = rate }
                row.details.insert(("time_per_byte_of_q8_0", .real((baseline[count] ?? rate) / rate)), at: 0)
                rows.append(row)
            }
        }
        return rows
    }

    private func matrix(_ type: WeightType) -> Tensor {
        let (rows, columns) = typeShape
        var random = WeightRandom(seed: 1, stream: 0)
        var bytes: [UInt8] = []
        // Rows of some kind are enough for time: as many as are quickly drawn, over and over.
        for _ in 0..<min(rows, 64) { type.append(columns, deviation: 1 / 64, from: &random, to: &bytes) }
        return Tensor(dtype: type.dtype, shape: [rows, columns], repeating: bytes)
    }
}
