import Tensors
import TestSupport
import Testing

@testable import Kernels

@Suite struct ComputeTests {
    private static func rows(_ count: Int, _ columns: Int, seed: UInt64) -> ActivationRows {
        var random = SeededRandom(seed: seed)
        let rows = ActivationRows(rowCapacity: count, columns: columns)
        for row in 0..<count { rows.setRow(row, from: Sample.ordinary.values(columns, using: &random)) }
        return rows
    }

    private static func weight(_ m: Int, _ k: Int, _ type: DType, seed: UInt64) -> Tensor {
        var random = SeededRandom(seed: seed)
        return tensor(
            ReferenceQuantisation.encode(Sample.ordinary.values(m * k, using: &random), as: type), [m, k], type)
    }

    /// A tensor of the bytes, `offset` bytes after an aligned address.
    private static func tensor(_ bytes: [UInt8], _ shape: [Int], _ type: DType, offset: Int = 0) -> Tensor {
        let owner = AlignedBuffer<UInt8>(count: bytes.count + offset)
        for (index, byte) in bytes.enumerated() { owner[index + offset] = byte }
        return unsafe Tensor(
            dtype: type, shape: shape, bytes: UnsafeRawBufferPointer(start: owner.base + offset, count: bytes.count),
            owner: owner)
    }

    private static func all(_ rows: ActivationRows) -> [Float] { (0..<rows.rowCapacity).flatMap { rows.row($0) } }

    /// The same product by the scalar table on one thread, one row at a time.
    private static func reference(
        _ weight: PackedMatrix, bias: [Float]?, _ input: ActivationRows, _ rows: Range<Int>
    ) throws -> [Float] {
        let compute = try Compute(threadCount: 1, table: .scalar)
        return rows.flatMap { row in
            let output = ActivationRows(rowCapacity: 1, columns: weight.rows)
            compute.multiply(
                weight, bias: bias, input: input, inputRows: row..<row + 1, output: output, outputRow: 0)
            return output.row(0)
        }
    }

    @Test(arguments: DType.allCases)
    func productsHaveTheSameBitsForAnyThreadsRowsAndTable(type: DType) throws {
        let computes = try (1...4).map { try Compute(threadCount: $0) }
            + KernelTable.available.map { try Compute(threadCount: 2, table: $0) }
        var findings = Findings()
        var random = SeededRandom(seed: 19)
        // The last three are large enough to be shared.
        for (m, k, rows) in [(1, 32, 1), (7, 64, 3), (50, 96, 2), (130, 160, 5), (800, 128, 1), (60, 64, 40)] {
            let k = k / 32 * max(32, type.blockElements)
            let weight = PackedMatrix(Self.weight(m, k, type, seed: 17))
            let input = Self.rows(rows + 1, k, seed: 18)
            let bias = rows == 3 ? nil : Sample.ordinary.values(m, using: &random)
            let expected = try Self.reference(weight, bias: bias, input, 1..<rows + 1)
            for compute in computes {
                let output = ActivationRows(rowCapacity: rows + 2, columns: m)
                compute.multiply(
                    weight, bias: bias, input: input, inputRows: 1..<rows + 1, output: output, outputRow: 2)
                let found = (2..<rows + 2).flatMap { output.row($0) }
                let what = "\(type) \(rows)x\(m)x\(k) on \(compute.threadCount) threads, \(compute.table.isa)"
                findings.requireSameBits(found, expected, what)
                findings.require(output.row(0).allSatisfy { $0 == 0 }, "\(what) wrote another row")
            }
        }
        findings.record()
    }

    @Test func productsFillTheirColumnsOnly() throws {
        let compute = try Compute(threadCount: 2)
        let first = PackedMatrix(Self.weight(40, 64, .q8_0, seed: 20))
        let second = PackedMatrix(Self.weight(300, 64, .f16, seed: 21))
        let input = Self.rows(6, 64, seed: 22)
        let output = ActivationRows(rowCapacity: 6, columns: 350)
        for row in 0..<6 { output.setRow(row, from: Array(repeating: 5, count: 350)) }
        compute.multiply(
            second, bias: nil, input: input, inputRows: 0..<6, output: output, outputRow: 0, outputColumn: 40)
        compute.multiply(first, bias: nil, input: input, inputRows: 0..<6, output: output, outputRow: 0)
        var findings = Findings()
        let left = try Self.reference(first, bias: nil, input, 0..<6)
        let right = try Self.reference(second, bias: nil, input, 0..<6)
        for row in 0..<6 {
            let expected =
                left[row * 40..<row * 40 + 40] + right[row * 300..<row * 300 + 300] + Array(repeating: 5, count: 10)
            findings.requireSameBits(output.row(row), Array(expected), "row \(row)")
        }
        findings.record()
    }

    @Test func productsTogetherHaveTheBitsOfEachAlone() throws {
        let types: [(DType, Int)] = [(.q8_0, 40), (.q8_0, 7), (.q4_k, 300), (.f16, 33), (.q8_0, 64), (.q6_k, 1)]
        let weights = types.enumerated().map { PackedMatrix(Self.weight($1.1, 512, $1.0, seed: UInt64($0))) }
        var findings = Findings()
        for rows in [1, 9, 25, 150] {
            let inputs = [Self.rows(rows, 512, seed: 34), Self.rows(rows, 512, seed: 35)]
            let alone = try inputs.map { input in
                try weights.map { try Self.reference($0, bias: nil, input, 0..<rows) }
            }
            for threads in 1...3 {
                let compute = try Compute(threadCount: threads)
                let output = ActivationRows(rowCapacity: rows, columns: 445)
                var column = 0
                let products = weights.map { weight in
                    defer { column += weight.rows }
                    return Compute.Product(weight, bias: nil, output: output, outputColumn: column)
                }
                // What was kept of the first input would be found in the second one's results.
                for (input, alone) in zip(inputs, alone) {
                    compute.multiply(products, input: input, inputRows: 0..<rows, outputRow: 0)
                    for row in 0..<rows {
                        let expected = zip(weights, alone).flatMap { $1[row * $0.rows..<(row + 1) * $0.rows] }
                        findings.requireSameBits(output.row(row), expected, "row \(row) of \(rows), \(threads) threads")
                    }
                }
            }
        }
        findings.record()
    }

    @Test(arguments: DType.allCases)
    func productsAreThoseOfTheWeights(type: DType) throws {
        let compute = try Compute(threadCount: 2)
        let (m, k) = (40, 512)
        let weight = Self.weight(m, k, type, seed: 32)
        // Oddly placed bytes pack like others.
        let packed = PackedMatrix(Self.tensor(weight.copiedBytes, [m, k], type, offset: 1))
        let input = Self.rows(3, k, seed: 33)
        let output = ActivationRows(rowCapacity: 3, columns: m)
        compute.multiply(packed, bias: nil, input: input, inputRows: 0..<3, output: output, outputRow: 0)
        let values = weight.referenceValues
        var findings = Findings()
        for row in 0..<3 {
            let x = input.row(row)
            for (index, found) in output.row(row).enumerated() {
                let exact = (0..<k).reduce(0.0) { $0 + Double(values[index * k + $1]) * Double(x[$1]) }
                // Activations between -1 and 1 are off by up to 1/254, in all directions.
                let bound = type.activationQuantisation == nil ? 1e-4 : 0.15
                findings.requireClose(found, exact, bound: bound, "\(type) row \(row)")
            }
        }
        findings.record()
    }

    @Test(arguments: DType.allCases)
    func embeddingRowsAreDequantised(type: DType) throws {
        let compute = try Compute(threadCount: 1)
        let columns = 3 * max(32, type.blockElements)
        let table = Self.weight(9, columns, type, seed: 25)
        let values = table.referenceValues
        let output = ActivationRows(rowCapacity: 2, columns: columns)
        compute.embed(table, token: 8, into: output, row: 1)
        #expect(output.row(1) == Array(values[8 * columns..<9 * columns]))
        compute.addPositionEmbedding(table, position: 2, into: output, row: 1)
        let sums = zip(values[8 * columns..<9 * columns], values[2 * columns..<3 * columns]).map { $0 + $1 }
        #expect(output.row(1) == sums)
        #expect(output.row(0).allSatisfy { $0 == 0 })
    }

    private typealias RowOperation = (Compute, ActivationRows, ActivationRows, Range<Int>) -> Void

    /// Each operation on rows, by name: what it does to (input, output) and the given rows.
    private static func rowOperations() -> [(name: String, run: RowOperation)] {
        var random = SeededRandom(seed: 26)
        let weight = Sample.ordinary.values(600, using: &random)
        let bias = Sample.ordinary.values(600, using: &random)
        return [
            ("rmsNorm", { $0.rmsNorm($1, rows: $3, weight: weight, epsilon: 1e-5, output: $2) }),
            ("layerNorm", { $0.layerNorm($1, rows: $3, weight: weight, bias: bias, epsilon: 1e-5, output: $2) }),
            (
                "layerNorm without bias",
                { $0.layerNorm($1, rows: $3, weight: weight, bias: nil, epsilon: 1e-5, output: $2) }
            ),
            ("add", { $0.add($1, rows: $3, to: $2) }),
            ("siluMultiply", { $0.siluMultiply(gate: $2, up: $1, rows: $3) }),
            ("geluTanh", { $0.geluTanh($2, rows: $3) }),
            ("geluErf", { $0.geluErf($2, rows: $3) }),
        ]
    }

    @Test func rowOperationsGiveTheSameBitsForAnyThreadsAndRanges() throws {
        let scalar = try Compute(threadCount: 1, table: .scalar)
        var findings = Findings()
        for (name, run) in Self.rowOperations() {
            let input = Self.rows(100, 600, seed: 27)
            let expected = Self.rows(100, 600, seed: 28)
            for row in 3..<97 { run(scalar, input, expected, row..<row + 1) }
            for threads in 1...3 {
                let compute = try Compute(threadCount: threads)
                let output = Self.rows(100, 600, seed: 28)
                run(compute, input, output, 3..<97)
                findings.requireSameBits(Self.all(output), Self.all(expected), "\(name) on \(threads) threads")
            }
        }
        findings.record()
    }

    @Test func rowsMoveToTheirTargetRows() throws {
        let compute = try Compute(threadCount: 1)
        let source = Self.rows(5, 33, seed: 29)
        let target = ActivationRows(rowCapacity: 5, columns: 33)
        compute.copyRows(source, rows: 3..<5, to: target, targetRow: 0)
        #expect(Self.all(target) == source.row(3) + source.row(4) + Array(repeating: 0, count: 99))
        compute.add(source, rows: 0..<1, to: target, targetRow: 4)
        #expect(target.row(4) == source.row(0))
        compute.rmsNorm(
            source, rows: 4..<5, weight: Array(repeating: 1, count: 33), epsilon: 0, output: target, outputRow: 2)
        let meanSquare = target.row(2).reduce(0) { $0 + $1 * $1 } / 33
        #expect(abs(meanSquare - 1) < 1e-5)
        compute.copyRows(target, rows: 0..<2, to: target, targetRow: 2)
        #expect(target.row(3) == source.row(4))
    }

    @Test func emptyRangesDoNothing() throws {
        let compute = try Compute(threadCount: 2)
        let rows = Self.rows(2, 64, seed: 30)
        let output = ActivationRows(rowCapacity: 2, columns: 5)
        let weight = PackedMatrix(Self.weight(5, 64, .f32, seed: 31))
        compute.multiply(weight, bias: nil, input: rows, inputRows: 2..<2, output: output, outputRow: 2)
        compute.geluErf(rows, rows: 0..<0)
        #expect(Self.all(output).allSatisfy { $0 == 0 })
        #expect(Self.all(rows) == Self.all(Self.rows(2, 64, seed: 30)))
    }
}
