import Kernels
import Tensors
import Testing

/// Arguments that would reach outside a matrix stop the process instead.
@Suite struct ComputePreconditionTests {
    @Test func aRowOutsideTheMatrixStops() async {
        await #expect(processExitsWith: .failure) { _ = ActivationRows(rowCapacity: 2, columns: 3).row(2) }
        await #expect(processExitsWith: .failure) { _ = ActivationRows(rowCapacity: 2, columns: 3).row(-1) }
        await #expect(processExitsWith: .failure) {
            ActivationRows(rowCapacity: 2, columns: 3).setRow(0, from: [1, 2])
        }
    }

    @Test func aProductThatDoesNotFitStops() async {
        await #expect(processExitsWith: .failure) {
            let weight = PackedMatrix(Tensor(shape: [4, 3], values: Array(repeating: 1, count: 12)))
            let input = ActivationRows(rowCapacity: 2, columns: 2)
            let output = ActivationRows(rowCapacity: 2, columns: 4)
            try Compute(threadCount: 1).multiply(
                weight, bias: nil, input: input, inputRows: 0..<2, output: output, outputRow: 0)
        }
        await #expect(processExitsWith: .failure) {
            let weight = PackedMatrix(Tensor(shape: [4, 3], values: Array(repeating: 1, count: 12)))
            let input = ActivationRows(rowCapacity: 2, columns: 3)
            let output = ActivationRows(rowCapacity: 2, columns: 4)
            try Compute(threadCount: 1).multiply(
                weight, bias: nil, input: input, inputRows: 0..<2, output: output, outputRow: 0, outputColumn: 1)
        }
        await #expect(processExitsWith: .failure) {
            let weight = PackedMatrix(Tensor(shape: [4, 3], values: Array(repeating: 1, count: 12)))
            let input = ActivationRows(rowCapacity: 2, columns: 3)
            let output = ActivationRows(rowCapacity: 2, columns: 4)
            try Compute(threadCount: 1).multiply(
                weight, bias: nil, input: input, inputRows: 0..<2, output: output, outputRow: 1)
        }
    }

    @Test func aTokenOutsideTheVocabularyStops() async {
        await #expect(processExitsWith: .failure) {
            let table = Tensor(shape: [4, 3], values: Array(repeating: 1, count: 12))
            let output = ActivationRows(rowCapacity: 1, columns: 3)
            try Compute(threadCount: 1).embed(table, token: 4, into: output, row: 0)
        }
    }
}
