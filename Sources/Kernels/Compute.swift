internal import CKernels
public import Tensors

/// The model's arithmetic on `ActivationRows`: a kernel table, a thread team and per-thread scratch.
///
/// Everything is checked here, so callers need no pointers. The bits of a result depend on its own row and the weights
/// only: not on the other rows, on how many there are, on the number of threads or on the kernel table.
/// Confined to its owner, like its team. A call allocates a closure's context where threads share it, and wider strips
/// where weights are wider than any before.
public final class Compute {
    /// The kernels in use.
    public let table: KernelTable
    /// Threads that share large work, the caller included.
    public var threadCount: Int { team.threadCount }
    let team: ThreadTeam
    /// For each thread, room for some dequantised weight rows.
    private var strips: [AlignedBuffer<Float>]

    /// Elements of a strip: 128 KiB, half of a small second-level cache.
    private static let stripElements = 32 * 1024
    /// Multiply-adds below which waking the team costs more than it saves (some 10 µs of one core).
    static let smallestSharedWork = 100_000
    /// Elements of row-wise work below which it is not shared.
    static let smallestSharedElements = 32 * 1024
    /// Outputs are handed out in multiples of this, which fills the kernels' register tiles.
    private static let tileOutputs = 24

    /// Kernels of `table` run by `threadCount` threads.
    public init(threadCount: Int, table: KernelTable = .best) throws(ThreadTeamError) {
        self.table = table
        team = try ThreadTeam(threadCount: threadCount)
        strips = (0..<threadCount).map { _ in AlignedBuffer(count: Self.stripElements) }
    }

    /// Ends the team's threads; later calls work on the caller alone.
    public func stop() { team.stop() }

    /// Runs `body(index, worker)` for each `index < count` on the team, as `ThreadTeam.run` says.
    public func forEach(count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) { team.run(count: count, body) }

    // MARK: Weights

    /// `output[outputRow + r, outputColumn + j] = Σ_i weight[j, i] · input[inputRows.lower + r, i] + bias[j]`.
    ///
    /// `weight` is `[m, k]` of any type, `k = input.columns`, and the columns from `outputColumn` on have room for `m`.
    /// Weights count as their dequantised f32 values. `input` and `output` are different objects.
    public func multiply(
        _ weight: Tensor, bias: [Float]?, input: ActivationRows, inputRows: Range<Int>, output: ActivationRows,
        outputRow: Int, outputColumn: Int = 0
    ) {
        let m = weight.rows
        let k = weight.columns
        precondition(weight.shape.count == 2 && k == input.columns, "weight \(weight.shape), \(input.columns) columns")
        precondition(bias.map { $0.count == m } ?? true, "bias of \(bias?.count ?? 0) for \(m) outputs")
        precondition(outputColumn >= 0 && m <= output.columns - outputColumn, "\(m) outputs from \(outputColumn)")
        precondition(input !== output, "input and output are the same rows")
        input.check(inputRows)
        output.check(outputRow..<outputRow + inputRows.count)
        guard !inputRows.isEmpty, m > 0 else { return }
        reserveStrips(of: k)

        let share = outputsPerShare(m: m, work: inputRows.count * m * k)
        let x = unsafe input.pointer(inputRows.lowerBound)
        let y = unsafe output.pointer(outputRow) + outputColumn
        let rows = inputRows.count
        let xStride = input.stride
        let yStride = output.stride
        unsafe withOptionalPointer(bias) { bias in
            team.run(count: (m + share - 1) / share) { index, worker in
                let outputs = index * share..<min(m, (index + 1) * share)
                unsafe multiplyShare(
                    weight, outputs, bias: bias, rows: rows, x: x, xStride: xStride, y: y, yStride: yStride,
                    strip: strips[worker])
            }
        }
    }

    /// Outputs per index of the team's loop: about eight indices per thread, whole register tiles, everything at once
    /// where the work is small.
    private func outputsPerShare(m: Int, work: Int) -> Int {
        guard threadCount > 1, work >= Self.smallestSharedWork else { return m }
        let even = (m + threadCount * 8 - 1) / (threadCount * 8)
        let worthwhile = (Self.smallestSharedWork / 4) / max(1, work / m)
        return (max(even, worthwhile) + Self.tileOutputs - 1) / Self.tileOutputs * Self.tileOutputs
    }

    private func reserveStrips(of k: Int) {
        guard k > strips[0].count else { return }
        strips = strips.map { _ in AlignedBuffer(count: k) }
    }

    /// The outputs in `outputs` of all rows, one thread's share.
    @unsafe private func multiplyShare(
        _ weight: Tensor, _ outputs: Range<Int>, bias: UnsafePointer<Float>?, rows: Int, x: UnsafePointer<Float>,
        xStride: Int, y: UnsafeMutablePointer<Float>, yStride: Int, strip: AlignedBuffer<Float>
    ) {
        let k = weight.columns
        let rowBytes = weight.rowByteCount
        guard let bytes = unsafe weight.bytes.baseAddress else { return }
        let isReady = weight.dtype == .f32 && Int(bitPattern: bytes) % MemoryLayout<Float>.alignment == 0
        let step = isReady ? outputs.count : outputsPerStrip(k: k, capacity: strip.count)
        var first = outputs.lowerBound
        while first < outputs.upperBound {
            let count = min(step, outputs.upperBound - first)
            let source = unsafe bytes + first * rowBytes
            var matrix = unsafe UnsafePointer(strip.base)
            if isReady {
                unsafe matrix = source.assumingMemoryBound(to: Float.self)
            } else {
                unsafe table.dequantize(count: count * k, weights: source, type: weight.dtype, output: strip.base)
            }
            unsafe table.slots.pointee.matmul_f32(rows, count, k, matrix, x, xStride, y + first, yStride)
            if let bias = unsafe bias {
                for row in 0..<rows {
                    unsafe table.slots.pointee.add_f32(count, bias + first, y + row * yStride + first)
                }
            }
            first += count
        }
    }

    /// Whole register tiles where some fit, else single rows.
    private func outputsPerStrip(k: Int, capacity: Int) -> Int {
        let fitting = max(1, capacity / k)
        return fitting >= Self.tileOutputs ? fitting / Self.tileOutputs * Self.tileOutputs : fitting
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
        reserveStrips(of: output.columns)
        let strip = strips[0]
        unsafe table.dequantize(count: output.columns, weights: source, type: embedding.dtype, output: strip.base)
        unsafe table.slots.pointee.add_f32(output.columns, strip.base, output.pointer(row))
    }

    @unsafe private func checkedRow(_ matrix: Tensor, _ row: Int, columns: Int) -> UnsafeRawPointer {
        precondition(matrix.shape.count == 2 && matrix.columns == columns, "\(matrix.shape) for \(columns) columns")
        precondition(row >= 0 && row < matrix.rows, "row \(row) of \(matrix.shape)")
        guard let bytes = unsafe matrix.bytes.baseAddress else { preconditionFailure("no bytes in \(matrix.shape)") }
        return unsafe bytes + row * matrix.rowByteCount
    }
}

@available(*, unavailable) extension Compute: Sendable {}

extension Tensor {
    /// Bytes of a row of a matrix whose rows fill whole blocks.
    fileprivate var rowByteCount: Int {
        guard let bytes = dtype.byteCount(elements: columns) else {
            preconditionFailure("rows of \(columns) elements do not fill blocks of \(dtype)")
        }
        return bytes
    }
}

/// Lends the array's elements, or nil for no array.
@unsafe func withOptionalPointer(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let values else { return body(nil) }
    unsafe values.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}
