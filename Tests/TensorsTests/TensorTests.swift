import Tensors
import Testing

/// Shapes and views of weights.
@Suite struct TensorTests {
    @Test func shapeGivesRowsAndColumns() {
        let tensor = Tensor(shape: [3, 2, 4], values: Array(repeating: 0, count: 24))
        #expect(tensor.rows == 3)
        #expect(tensor.columns == 8)
        #expect(tensor.elementCount == 24)
        #expect(unsafe tensor.bytes.count == 96)
    }

    @Test func aViewOfRowsSharesTheMemory() {
        let tensor = Tensor(shape: [4, 2], values: [0, 1, 2, 3, 4, 5, 6, 7])
        let rows = tensor.rows(1..<3)
        let values = unsafe Array(rows.bytes.bindMemory(to: Float.self))
        let isShared = unsafe rows.bytes.baseAddress == tensor.bytes.baseAddress?.advanced(by: 8)
        #expect(rows.shape == [2, 2])
        #expect(values == [2, 3, 4, 5])
        #expect(isShared)
    }

    @Test func aViewKeepsItsMemoryAlive() {
        let view = Tensor(shape: [2, 2], values: [1, 2, 3, 4]).rows(1..<2).rows(0..<1)
        let values = unsafe Array(view.bytes.bindMemory(to: Float.self))
        #expect(values == [3, 4])
    }
}
