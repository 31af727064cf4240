internal import JSON
internal import Kernels
internal import Tensors

extension KernelBenchmark {
    /// Rows and columns of the matrices, fuller than any block. That of the type with the fewest bits is larger than
    /// the last cache too, so that all come from memory as a model's do, unless Q8_0's would take a quarter of it.
    private var typeShape: (rows: Int, columns: Int) {
        if settings.isQuick { return (64, 256) }
        let (machine, columns) = (Machine.current(), 4096)
        let rowBytes = WeightType.allCases.filter { $0.dtype.blockElements > 1 }.map { $0.byteCount(elements: columns) }
        let (least, most) = (rowBytes.min() ?? columns, rowBytes.max() ?? columns)
        let wanted = machine.lastCacheBytes * 3 / 2 / least
        return (max(16384, min(wanted, machine.availableBytes / 4 / most)) / 64 * 64, columns)
    }

    /// Multiplications by one matrix of random weights of each quantised type, in turns with one of Q8_0. Each row
    /// tells its time per byte of weights, as they are in the file, as a multiple of Q8_0's: the median and the
    /// quartiles of the turns.
    func rowsOfTypes(progress: (String) -> Void) throws -> [BenchmarkRow] {
        let compute = try Compute(threadCount: threads)
        defer { compute.stop() }
        var rows: [BenchmarkRow] = []
        let baseline = PackedMatrix(matrix(.q8_0))
        let elements = baseline.rows * baseline.columns
        for type in WeightType.allCases where type.dtype.blockElements > 1 {
            progress("multiply \(type.rawValue)")
            let matrix = type == .q8_0 ? baseline : PackedMatrix(matrix(type))
            let bytes = Double(type.byteCount(elements: elements))
            let bytesOfQ8 = Double(WeightType.q8_0.byteCount(elements: elements))
            for count in [1, 8] {
                let times = timeInTurns(
                    multiplication(matrix, rows: count, compute), multiplication(baseline, rows: count, compute))
                let ratios = Summary(ratiosOf: times.left, over: times.right).mapped { $0 / bytes * bytesOfQ8 }
                var row = row("random", matrix, rows: count, times: Summary(times.left))
                row.details.insert(
                    contentsOf: [
                        ("time_per_byte_of_q8_0", .real(ratios.median)),
                        ("lower_quartile", .real(ratios.percentile(0.25))),
                        ("upper_quartile", .real(ratios.percentile(0.75))),
                        ("packed_bytes_of_file_bytes", .real(Double(matrix.byteCount) / bytes)),
                    ], at: 0)
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
