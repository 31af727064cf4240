internal import Decoding
internal import JSON
internal import Kernels
internal import ModelFiles
internal import Tensors

/// Times the model's matrices by themselves, and the arithmetic on single rows.
struct KernelBenchmark {
    let facts: ModelFacts
    let threads: Int
    let settings: BenchmarkSettings
    let limits: MachineLimits

    /// Seconds that one sample takes at least: a call of microseconds is repeated inside it.
    private var sampleSeconds: Double { settings.isQuick ? 0.000_1 : 0.02 }
    private var rowCounts: [Int] { settings.isQuick ? [1, 8] : [1, 2, 4, 8, 16, 64, 256] }

    /// Multiplications of the differently shaped matrices of one layer and of the output, then attention and the
    /// row-wise kernels.
    func rows(progress: (String) -> Void) throws -> [BenchmarkRow] {
        let compute = try Compute(threadCount: threads)
        defer { compute.stop() }
        let matrices = try matrices()
        guard !matrices.isEmpty else { throw BenchmarkError.noMatrices(model: facts.path) }
        var rows: [BenchmarkRow] = []
        for (name, matrix) in matrices {
            progress("multiply \(name)")
            for count in rowCounts { rows.append(multiply(name, matrix, rows: count, compute)) }
        }
        progress("attention")
        return rows + attention(compute) + rowWise(compute)
    }

    /// The first of each shape, in the file's order.
    private func matrices() throws -> [(name: String, matrix: PackedMatrix)] {
        var seen: Set<[Int]> = []
        var found: [(name: String, matrix: PackedMatrix)] = []
        for info in facts.source.tensors.infos where info.shape.count == 2 && info.dtype != nil {
            guard seen.insert(info.shape).inserted else { continue }
            found.append((info.name, PackedMatrix(try facts.source.tensors.tensor(named: info.name))))
        }
        return found
    }

    private func multiply(_ name: String, _ matrix: PackedMatrix, rows count: Int, _ compute: Compute) -> BenchmarkRow {
        row(name, matrix, rows: count, times: time(multiplication(matrix, rows: count, compute)))
    }

    /// A product with rows of numbers, as often as it is called.
    func multiplication(_ matrix: PackedMatrix, rows count: Int, _ compute: Compute) -> () -> Void {
        let input = ActivationRows(rowCapacity: count, columns: matrix.columns)
        for row in 0..<count { input.setRow(row, from: (0..<matrix.columns).map { Float($0 % 7) - 3 }) }
        let output = ActivationRows(rowCapacity: count, columns: matrix.rows)
        return {
            compute.multiply(matrix, bias: nil, input: input, inputRows: 0..<count, output: output, outputRow: 0)
        }
    }

    /// What is told of products with `count` rows that took these seconds.
    func row(_ name: String, _ matrix: PackedMatrix, rows count: Int, times: Summary) -> BenchmarkRow {
        let elements = matrix.rows * matrix.columns
        let operations = 2 * Double(elements) * Double(count)
        let work = Work(
            bytes: matrix.dtype.byteCount(elements: elements) ?? 0, weightOperations: operations,
            attentionOperations: 0,
            isQuantised: matrix.multipliesIntegers)
        var row = BenchmarkRow(
            name: "multiply",
            parameters: [
                ("matrix", .string(name)), ("type", .string(matrix.dtype.name)),
                ("shape", .string("\(matrix.rows)x\(matrix.columns)")), ("rows", .integer(count)),
            ],
            unit: "GOP/s", summary: times.mapped { operations / $0 / 1e9 })
        let roofline = Roofline(work, on: limits)
        row.limit = (operations / roofline.seconds / 1e9, work, roofline.bound)
        row.details = [("gigabytes_per_second", .real(Double(work.bytes) / times.median / 1e9))]
        return row
    }

    private func rowWise(_ compute: Compute) -> [BenchmarkRow] {
        let columns = facts.configuration.hiddenSize
        let (x, y) = (
            ActivationRows(rowCapacity: 64, columns: columns), ActivationRows(rowCapacity: 64, columns: columns)
        )
        for row in 0..<64 { x.setRow(row, from: (0..<columns).map { Float($0 % 7) - 3 }) }
        let weight = [Float](repeating: 1, count: columns)
        func row(_ name: String, _ body: () -> Void) -> BenchmarkRow {
            BenchmarkRow(
                name: name, parameters: [("rows", .integer(64)), ("columns", .integer(columns))], unit: "Gelement/s",
                summary: time(body).mapped { 64 * Double(columns) / $0 / 1e9 })
        }
        return [
            row("rms norm") { compute.rmsNorm(x, rows: 0..<64, weight: weight, epsilon: 1e-5, output: y) },
            row("add") { compute.add(x, rows: 0..<64, to: y) },
        ]
    }

    /// Seconds of one call.
    func time(_ body: () -> Void) -> Summary {
        let calls = callsOfSample(body)
        return settings.plannedRepetitions.summaryWithoutWarmUp {
            Stopwatch.time { for _ in 0..<calls { body() } } / Double(calls)
        }
    }

    /// Seconds of one call of each, measured in turns, so that both saw the same machine; sample by sample.
    func timeInTurns(_ left: () -> Void, _ right: () -> Void) -> (left: [Double], right: [Double]) {
        let calls = (left: callsOfSample(left), right: callsOfSample(right))
        var times: (left: [Double], right: [Double]) = ([], [])
        _ = settings.plannedRepetitions.summaryWithoutWarmUp {
            times.left.append(Stopwatch.time { for _ in 0..<calls.left { left() } } / Double(calls.left))
            times.right.append(Stopwatch.time { for _ in 0..<calls.right { right() } } / Double(calls.right))
            return 0
        }
        return times
    }

    /// Calls until a sample is long enough, found after one to warm up.
    private func callsOfSample(_ body: () -> Void) -> Int {
        var calls = 1
        body()
        while calls < 1 << 20 {
            let seconds = Stopwatch.time { for _ in 0..<calls { body() } }
            guard seconds < sampleSeconds else { break }
            calls *= 2
        }
        return calls
    }
}
