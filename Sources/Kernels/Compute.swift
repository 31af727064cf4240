internal import CKernels
public import Tensors

/// The model's arithmetic on `ActivationRows`: a kernel table, a thread team and per-thread scratch.
///
/// Everything is checked here, so callers need no pointers. The bits of a result depend on its own row and the weights
/// only: not on the other rows, on how many there are, on the number of threads or on the kernel table.
/// Confined to its owner, like its team. `multiply`, `normalize` and `forEach(kept:count:)` allocate nothing once they
/// have seen the shapes; other calls allocate a closure's context where threads share them.
public final class Compute {
    /// The kernels in use.
    public let table: KernelTable
    /// Threads that share large work, the caller included.
    public var threadCount: Int { team.threadCount }
    /// Set while a step is computed, so that the threads do not fall asleep between its parts.
    public var isInStep: Bool {
        get { team.expectsMore }
        set { team.expectsMore = newValue }
    }
    let team: ThreadTeam
    /// Products and row-wise work under way, kept so that none of it allocates.
    let productLoop: ProductLoop
    let rowLoop = RowLoop()
    /// Room for one dequantised row of an embedding.
    private var strip = AlignedBuffer<Float>(count: 0)

    /// Multiply-adds below which waking the team costs more than it saves (some 10 µs of one core).
    static let smallestSharedWork = 100_000
    /// Elements of row-wise work below which it is not shared.
    static let smallestSharedElements = 8 * 1024

    /// Kernels of `table` run by `threadCount` threads.
    public init(threadCount: Int, table: KernelTable = .best) throws(ThreadTeamError) {
        self.table = table
        team = try ThreadTeam(threadCount: threadCount)
        productLoop = ProductLoop(threads: threadCount)
    }

    /// Ends the team's threads; later calls work on the caller alone.
    public func stop() { team.stop() }

    /// Runs `body(index, worker)` for each `index < count` on the team, as `ThreadTeam.run` says.
    public func forEach(count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) { team.run(count: count, body) }

    /// The same with a body that was made once and is kept: allocates nothing.
    public func forEach(kept body: @escaping (_ index: Int, _ worker: Int) -> Void, count: Int) {
        team.run(kept: body, count: count)
    }

    // MARK: Rows

    /// Rows per index of the team's loop over rows: all of them where the work is small.
    func rowsPerShare(_ rows: Int, columns: Int) -> Int {
        rows * columns >= Self.smallestSharedElements ? max(1, Self.smallestSharedElements / 4 / columns) : rows
    }

    /// `output[row] = embedding[token]`, dequantised. `embedding` is `[vocabulary, columns]`.
    public func embed(_ embedding: Tensor, token: Int, into output: ActivationRows, row: Int) {
        let source = unsafe checkedRow(embedding, token, columns: output.columns)
        unsafe table.dequantize(
            count: output.columns, weights: source, type: embedding.dtype, output: output.pointer(row))
    }

    /// `output[row] += embedding[position]`, dequantised: learned positions. `embedding` is `[positions, columns]`.
    public func addPositionEmbedding(_ embedding: Tensor, position: Int, into output: ActivationRows, row: Int) {
        let source = unsafe checkedRow(embedding, position, columns: output.columns)
        if output.columns > strip.count { strip = AlignedBuffer(count: output.columns) }
        unsafe table.dequantize(count: output.columns, weights: source, type: embedding.dtype, output: strip.base)
        unsafe table.slots.pointee.add_f32(output.columns, strip.base, output.pointer(row))
    }

    @unsafe private func checkedRow(_ matrix: Tensor, _ row: Int, columns: Int) -> UnsafeRawPointer {
        precondition(matrix.shape.count == 2 && matrix.columns == columns, "\(matrix.shape) for \(columns) columns")
        precondition(row >= 0 && row < matrix.rows, "row \(row) of \(matrix.shape)")
        guard let bytes = unsafe matrix.bytes.baseAddress else { preconditionFailure("no bytes in \(matrix.shape)") }
        guard let rowBytes = matrix.dtype.byteCount(elements: columns) else {
            preconditionFailure("rows of \(columns) elements do not fill blocks of \(matrix.dtype)")
        }
        return unsafe bytes + row * rowBytes
    }
}

@available(*, unavailable) extension Compute: Sendable {}

/// Lends the array's elements, or nil for no array.
@unsafe func withOptionalPointer(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let values else { return body(nil) }
    unsafe values.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}
