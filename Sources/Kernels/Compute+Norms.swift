internal import CKernels
internal import Tensors

/// What happens to rows between two products.
extension Compute {
    /// A norm's arithmetic.
    public enum NormKind: Sendable, Equatable {
        /// As `rmsNorm`.
        case rms(epsilon: Float)
        /// As `layerNorm`.
        case layer(epsilon: Float)
    }

    /// Adds rows of `addend`, where there is one, to `input`, and puts the norm of the sums into `output`; beside it
    /// they stand quantised as `products` want them. One pass of the team for all of it, with the bits of one after
    /// the other.
    public func normalize(
        _ input: ActivationRows, adding addend: ActivationRows?, rows: Range<Int>, kind: NormKind, weight: [Float],
        bias: [Float]?, output: ActivationRows, for products: [Product]
    ) {
        let n = input.columns
        precondition(weight.count == n && output.columns == n, "weight of \(weight.count) for \(n) columns")
        precondition(bias.map { $0.count == n } ?? true, "bias of \(bias?.count ?? 0) elements")
        precondition(addend.map { $0.columns == n && $0 !== input } ?? true, "what is added has other columns")
        input.check(rows)
        output.check(rows)
        addend?.check(rows)
        guard !rows.isEmpty else { return }
        unsafe withOptionalPointer(weight) { weight in
            unsafe withOptionalPointer(bias) { bias in
                var work = unsafe rowWork(input, rows, output)
                unsafe work.addend = addend.map { unsafe UnsafePointer($0.pointer(rows.lowerBound)) }
                unsafe work.addendStride = addend?.stride ?? 0
                unsafe work.norm = kind
                unsafe work.weight = weight
                unsafe work.bias = bias
                for product in products {
                    guard let wanted = product.quantisation, unsafe work.first?.quantisation != wanted else { continue }
                    let blocks = unsafe output.blocks(for: wanted) + rows.lowerBound * output.blocksPerRow
                    if unsafe work.first == nil {
                        unsafe work.first = (wanted, blocks)
                    } else if unsafe work.second == nil {
                        unsafe work.second = (wanted, blocks)
                    }
                }
                team.run(kept: rowLoop.body, count: unsafe rowLoop.set(work))
                // Files that mix many types may want more formats: each takes a pass of its own.
                for product in products {
                    guard let wanted = product.quantisation, unsafe wanted != work.first?.quantisation,
                        unsafe wanted != work.second?.quantisation
                    else { continue }
                    quantise(output, rows, for: wanted)
                }
            }
        }
    }

    /// For threads that put parts of `rows` quantised beside them. Valid while the rows live.
    @unsafe public func quantiser(
        of rows: ActivationRows, for quantisation: ActivationQuantisation
    ) -> RowQuantiser {
        unsafe RowQuantiser(
            table: table, quantisation: quantisation, rows: rows.addresses, blocks: rows.blocks(for: quantisation),
            blocksPerRow: rows.blocksPerRow)
    }

    /// Puts the rows, quantised, beside themselves.
    func quantise(_ input: ActivationRows, _ rows: Range<Int>, for quantisation: ActivationQuantisation) {
        var work = unsafe rowWork(input, rows, input)
        unsafe work.first = (quantisation, input.blocks(for: quantisation) + rows.lowerBound * input.blocksPerRow)
        team.run(kept: rowLoop.body, count: unsafe rowLoop.set(work))
    }

    @unsafe private func rowWork(
        _ input: ActivationRows, _ rows: Range<Int>, _ output: ActivationRows
    ) -> RowLoop.Work {
        unsafe RowLoop.Work(
            table: table, count: rows.count, columns: input.columns,
            share: rowsPerShare(rows.count, columns: 2 * input.columns), input: input.pointer(rows.lowerBound),
            inputStride: input.stride, output: output.pointer(rows.lowerBound), outputStride: output.stride)
    }
}

/// Puts parts of rows quantised beside the rows. Threads may do so at once for different parts; nothing of it counts
/// references.
@unsafe public struct RowQuantiser {
    let table: KernelTable
    let quantisation: ActivationQuantisation
    let rows: RowAddresses
    let blocks: UnsafeMutablePointer<ck_block>
    let blocksPerRow: Int

    /// `columns` of a row, which are whole blocks.
    public func quantise(row: Int, columns: Range<Int>) {
        let size = KernelTable.blockElements
        precondition(columns.lowerBound % size == 0 && columns.count % size == 0, "columns \(columns) cut blocks")
        unsafe table.quantize(
            count: columns.count, for: quantisation, input: rows.pointer(row: row, column: columns.lowerBound),
            output: blocks + row * blocksPerRow + columns.lowerBound / size)
    }
}
