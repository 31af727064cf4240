import Kernels
import Testing

@Suite struct ActivationRowsTests {
    /// Matrices of a group lie behind each other; groups lie on top of each other.
    @Test func groupsShareMemoryAndMatricesOfAGroupDoNot() throws {
        func size(_ rows: Int, _ columns: Int) -> ActivationRows.Size { .init(rowCapacity: rows, columns: columns) }
        let groups = ActivationRows.sharingMemory([[size(3, 20), size(2, 70)], [size(4, 100)], []])
        #expect(groups.map(\.count) == [2, 1, 0])
        let (first, second, other) = (groups[0][0], groups[0][1], groups[1][0])
        for row in 0..<3 { first.setRow(row, from: [Float](repeating: Float(row), count: 20)) }
        for row in 0..<2 { second.setRow(row, from: [Float](repeating: Float(10 + row), count: 70)) }
        #expect(first.row(2) == [Float](repeating: 2, count: 20))
        #expect(second.row(1) == [Float](repeating: 11, count: 70))
        other.setRow(0, from: [Float](repeating: 7, count: 100))
        #expect(first.row(0) == [Float](repeating: 7, count: 20))
        #expect(second.byteCount == 2 * 80 * 4)
    }
}
