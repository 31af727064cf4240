internal import CKernels
public import Tensors

/// The model's arithmetic on `ActivationRows`: a kernel table, a thread team and per-thread scratch.
///
/// Everything is checked here, so callers need no pointers. The bits of a result depend on its own row and the weights
/// only: not on the other rows, on how many there are, on the number of threads or on the kernel table.
/// Confined to its owner, like its team. A call allocates a closure's context where threads share it, and memory for
/// quantised activations where it has more of them than any before.
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
    /// Activations quantised for the product under way.
    private var blocks = unsafe AlignedBuffer<ck_block>(uninitializedCount: 0)
    /// Room for one dequantised row of an embedding.
    private var strip = AlignedBuffer<Float>(count: 0)

    /// Multiply-adds below which waking the team costs more than it saves (some 10 µs of one core).
    static let smallestSharedWork = 100_000
    /// Elements of row-wise work below which it is not shared.
    static let smallestSharedElements = 8 * 1024
    /// Outputs are handed out in multiples of this, two groups of rows, which fills the kernels' register tiles.
    private static let tileOutputs = 2 * PackedMatrix.groupRows

    /// Kernels of `table` run by `threadCount` threads.
    public init(threadCount: Int, table: KernelTable = .best) throws(ThreadTeamError) {
        self.table = table
        team = try ThreadTeam(threadCount: threadCount)
    }

    /// Ends the team's threads; later calls work on the caller alone.
    public func stop() { team.stop() }

    /// Runs `body(index, worker)` for each `index < count` on the team, as `ThreadTeam.run` says.
    public func forEach(count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) { team.run(count: count, body) }

    // MARK: Weights

    /// One product with a weight matrix: `output[outputRow + r, outputColumn + j] = Σ_i weight[j, i] · input[r, i] +
    /// bias[j]`. The columns from `outputColumn` on have room for the weight's rows.
    public struct Product {
        let weight: PackedMatrix
        let bias: [Float]?
        let output: ActivationRows
        let outputColumn: Int

        public init(_ weight: PackedMatrix, bias: [Float]?, output: ActivationRows, outputColumn: Int = 0) {
            self.weight = weight
            self.bias = bias
            self.output = output
            self.outputColumn = outputColumn
        }
    }

    /// Products of the same rows: `input[inputRows.lower + r]` gives row `outputRow + r` of each product's output.
    ///
    /// The weights are `[m, k]` of any type, `k = input.columns`. For quantised weights each 32 activations of a row
    /// are rounded to 8-bit integers with a common scale, and sums of products are exact within such a block; other
    /// weights count as their f32 values. ckernels.h has the order of the sums. No output is the input.
    public func multiply(
        _ products: [Product], input: ActivationRows, inputRows: Range<Int>, outputRow: Int
    ) {
        input.check(inputRows)
        for product in products { check(product, input, rows: outputRow..<outputRow + inputRows.count) }
        guard !inputRows.isEmpty else { return }
        var first = 0
        while first < products.count {
            // Those that want the same activations run together.
            let quantisation = products[first].weight.dtype.activationQuantisation
            var end = first + 1
            while end < products.count, products[end].weight.dtype.activationQuantisation == quantisation { end += 1 }
            if let quantisation { quantise(input, inputRows, for: quantisation) }
            run(products[first..<end], input, inputRows, outputRow: outputRow)
            first = end
        }
    }

    /// One product; see `multiply(_:input:inputRows:outputRow:)`.
    public func multiply(
        _ weight: PackedMatrix, bias: [Float]?, input: ActivationRows, inputRows: Range<Int>, output: ActivationRows,
        outputRow: Int, outputColumn: Int = 0
    ) {
        multiply(
            [Product(weight, bias: bias, output: output, outputColumn: outputColumn)], input: input,
            inputRows: inputRows, outputRow: outputRow)
    }

    private func check(_ product: Product, _ input: ActivationRows, rows: Range<Int>) {
        let (m, k) = (product.weight.rows, product.weight.columns)
        precondition(k == input.columns, "weight [\(m), \(k)], \(input.columns) columns")
        let biases = product.bias?.count ?? m
        precondition(biases == m, "bias of \(biases) for \(m) outputs")
        precondition(
            product.outputColumn >= 0 && m <= product.output.columns - product.outputColumn,
            "\(m) outputs from \(product.outputColumn)")
        precondition(input !== product.output, "input and output are the same rows")
        product.output.check(rows)
    }

    /// Shares the outputs of all products between the threads.
    private func run(
        _ products: ArraySlice<Product>, _ input: ActivationRows, _ inputRows: Range<Int>, outputRow: Int
    ) {
        let outputs = products.reduce(0) { $0 + $1.weight.rows }
        let share = outputsPerShare(m: outputs, work: inputRows.count * outputs * input.columns)
        let shares = products.reduce(0) { $0 + ($1.weight.rows + share - 1) / share }
        let (count, blocks) = unsafe (inputRows.count, blocks.base)
        team.run(count: shares) { index, _ in
            var index = index
            for product in products {
                let m = product.weight.rows
                guard index * share >= m else {
                    let rows = unsafe ProductRows(
                        count: count, input: input.pointer(inputRows.lowerBound), inputStride: input.stride,
                        blocks: blocks, output: product.output.pointer(outputRow) + product.outputColumn,
                        outputStride: product.output.stride)
                    unsafe withOptionalPointer(product.bias) { bias in
                        unsafe table.multiply(
                            product.weight, outputs: index * share..<min(m, (index + 1) * share), bias: bias,
                            rows: rows)
                    }
                    return
                }
                index -= (m + share - 1) / share
            }
        }
    }

    /// Outputs per index of the team's loop: about eight indices per thread, whole register tiles, everything at once
    /// where the work is small.
    private func outputsPerShare(m: Int, work: Int) -> Int {
        guard threadCount > 1, work >= Self.smallestSharedWork else { return max(1, m) }
        let even = (m + threadCount * 8 - 1) / (threadCount * 8)
        let worthwhile = (Self.smallestSharedWork / 4) / max(1, work / m)
        return (max(even, worthwhile) + Self.tileOutputs - 1) / Self.tileOutputs * Self.tileOutputs
    }

    /// Fills `blocks` with the rows, one after the other.
    private func quantise(_ input: ActivationRows, _ rows: Range<Int>, for quantisation: ActivationQuantisation) {
        let k = input.columns
        let blocksPerRow = k / KernelTable.blockElements
        if rows.count * blocksPerRow > blocks.count {
            blocks = unsafe AlignedBuffer(uninitializedCount: rows.count * blocksPerRow)
        }
        let share = rowsPerShare(rows.count, columns: k)
        team.run(count: (rows.count + share - 1) / share) { index, _ in
            for row in index * share..<min(rows.count, (index + 1) * share) {
                unsafe table.quantize(
                    count: k, for: quantisation, input: input.pointer(rows.lowerBound + row),
                    output: blocks.base + row * blocksPerRow)
            }
        }
    }

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
