internal import CKernels
internal import Tensors

/// A matrix of f32 activations, `[rowCapacity, columns]`, zeroed at birth. Each row starts on a 64-byte line.
/// Confined to one owner thread, except while `Compute` works on it.
@safe public final class ActivationRows {
    /// Rows that fit.
    public let rowCapacity: Int
    /// Elements of a row.
    public let columns: Int
    /// Distance between rows in elements.
    let stride: Int
    private let storage: AlignedBuffer<Float>
    /// Where row 0 begins in `storage`, in elements.
    private let start: Int
    /// The rows quantised for products, one after the other; made when they are first wanted.
    private var quantised: [(quantisation: ActivationQuantisation, blocks: AlignedBuffer<ck_block>)] = []

    /// Rows of `columns` elements, all zero.
    public convenience init(rowCapacity: Int, columns: Int) {
        let storage = AlignedBuffer<Float>(count: rowCapacity * Self.rowStride(columns: columns))
        self.init(rowCapacity: rowCapacity, columns: columns, in: storage, from: 0)
    }

    private init(rowCapacity: Int, columns: Int, in storage: AlignedBuffer<Float>, from start: Int) {
        precondition(rowCapacity >= 0 && columns > 0, "\(rowCapacity) rows of \(columns)")
        self.rowCapacity = rowCapacity
        self.columns = columns
        stride = Self.rowStride(columns: columns)
        self.storage = storage
        self.start = start
    }

    /// What one of several matrices in the same memory measures.
    public struct Size {
        let rowCapacity: Int
        let columns: Int

        public init(rowCapacity: Int, columns: Int) {
            self.rowCapacity = rowCapacity
            self.columns = columns
        }

        fileprivate var elements: Int { rowCapacity * rowStride(columns: columns) }
    }

    /// Groups of matrices of which only one group is in use at a time: all groups begin at the same address, so what is
    /// written to one destroys what stood in the others.
    public static func sharingMemory(_ groups: [[Size]]) -> [[ActivationRows]] {
        let elements = groups.map { $0.reduce(0) { $0 + $1.elements } }.max() ?? 0
        let storage = AlignedBuffer<Float>(count: elements)
        return groups.map { group in
            var start = 0
            return group.map { size in
                defer { start += size.elements }
                return ActivationRows(rowCapacity: size.rowCapacity, columns: size.columns, in: storage, from: start)
            }
        }
    }

    /// Bytes of the rows.
    public var byteCount: Int { rowCapacity * stride * MemoryLayout<Float>.stride }

    /// Bytes that rows of these sizes hold.
    public static func byteCount(rowCapacity: Int, columns: Int) -> Int {
        rowCapacity * rowStride(columns: columns) * MemoryLayout<Float>.stride
    }

    private static func rowStride(columns: Int) -> Int {
        let lines = (columns + 15) / 16
        // A distance of whole pages would put the same column of all rows into the same set of the cache.
        return (lines % 64 == 0 ? lines + 1 : lines) * 16
    }

    /// The element at `column` of `row`, and the rest of the row behind it. Valid while `self` lives.
    @unsafe public func pointer(row: Int, column: Int) -> UnsafeMutablePointer<Float> {
        precondition(column >= 0 && column <= columns, "column \(column) of \(columns)")
        return unsafe pointer(row) + column
    }

    /// Where the rows stand. Valid while `self` lives.
    @unsafe public var addresses: RowAddresses { unsafe RowAddresses(first: storage.base + start, stride: stride) }

    /// Start of a row. The pointer is valid while `self` lives.
    @unsafe func pointer(_ row: Int) -> UnsafeMutablePointer<Float> {
        precondition(row >= 0 && row < rowCapacity, "row \(row) outside 0..<\(rowCapacity)")
        return unsafe storage.base + start + row * stride
    }

    /// Where the rows stand quantised, `[rowCapacity, columns / 32]`. Valid while `self` lives. Who calls it first
    /// takes memory, so that is not for several threads.
    @unsafe func blocks(for quantisation: ActivationQuantisation) -> UnsafeMutablePointer<ck_block> {
        for entry in quantised where entry.quantisation == quantisation { return unsafe entry.blocks.base }
        let blocks = unsafe AlignedBuffer<ck_block>(
            uninitializedCount: rowCapacity * blocksPerRow)
        quantised.append((quantisation, blocks))
        return unsafe blocks.base
    }

    /// Distance between rows of `blocks`.
    var blocksPerRow: Int { columns / KernelTable.blockElements }

    /// Stops where `rows` are not all rows of this object.
    func check(_ rows: Range<Int>) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCapacity, "rows \(rows) outside 0..<\(rowCapacity)")
    }

    /// A copy of the row.
    public func row(_ row: Int) -> [Float] {
        unsafe Array(UnsafeBufferPointer(start: pointer(row), count: columns))
    }

    /// Overwrites the row with exactly `columns` values.
    public func setRow(_ row: Int, from values: [Float]) {
        precondition(values.count == columns, "\(values.count) values for a row of \(columns)")
        unsafe pointer(row).update(from: values, count: columns)
    }

    /// Lends the row for reading.
    public func withSpan<Result>(_ row: Int, _ body: (Span<Float>) throws -> Result) rethrows -> Result {
        let elements = unsafe UnsafeBufferPointer(start: pointer(row), count: columns)
        return try unsafe body(Span(_unsafeElements: elements))
    }
}

@available(*, unavailable) extension ActivationRows: Sendable {}

/// Where the rows of an `ActivationRows` stand, for threads: nothing of it counts references. The caller keeps to rows
/// and columns that are there.
@unsafe public struct RowAddresses {
    let first: UnsafeMutablePointer<Float>
    let stride: Int

    /// The element at `column` of `row`, and the rest of the row behind it.
    public func pointer(row: Int, column: Int) -> UnsafeMutablePointer<Float> { unsafe first + row * stride + column }
}
