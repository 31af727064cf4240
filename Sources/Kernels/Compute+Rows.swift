internal import CKernels

/// Arithmetic on each row by itself. Large work is shared by rows.
extension Compute {
    /// `output[outputRow + r] = x / sqrt(mean(x²) + epsilon) · weight` for each row `x` of `rows` of `input`
    /// (Zhang and Sennrich, arXiv 1910.07467). `outputRow` defaults to `rows.lowerBound`; `output` may be `input` then.
    public func rmsNorm(
        _ input: ActivationRows, rows: Range<Int>, weight: [Float], epsilon: Float, output: ActivationRows,
        outputRow: Int? = nil
    ) {
        precondition(weight.count == input.columns, "weight of \(weight.count) for \(input.columns) columns")
        let n = input.columns
        unsafe withOptionalPointer(weight) { weight in
            unsafe mapRows(of: input, rows, to: output, outputRow) { x, y in
                unsafe table.slots.pointee.rms_norm_f32(n, epsilon, x, weight, y)
            }
        }
    }

    /// `output[outputRow + r] = (x - mean) / sqrt(variance + epsilon) · weight + bias` for each row `x` of `rows` of
    /// `input` (Ba et al., arXiv 1607.06450). `outputRow` is as in `rmsNorm`.
    public func layerNorm(
        _ input: ActivationRows, rows: Range<Int>, weight: [Float], bias: [Float]?, epsilon: Float,
        output: ActivationRows, outputRow: Int? = nil
    ) {
        precondition(weight.count == input.columns, "weight of \(weight.count) for \(input.columns) columns")
        precondition(bias.map { $0.count == input.columns } ?? true, "bias of \(bias?.count ?? 0) elements")
        let n = input.columns
        unsafe withOptionalPointer(weight) { weight in
            unsafe withOptionalPointer(bias) { bias in
                unsafe mapRows(of: input, rows, to: output, outputRow) { x, y in
                    unsafe table.slots.pointee.layer_norm_f32(n, epsilon, x, weight, bias, y)
                }
            }
        }
    }

    /// Normalises each piece of `width` elements of the columns from `column` on by itself, in place: as many pieces as
    /// `weight` has widths. The norm is of that kind, without bias.
    public func normPieces(
        _ x: ActivationRows, rows: Range<Int>, column: Int, width: Int, weight: [Float], kind: NormKind
    ) {
        precondition(weight.count % width == 0 && column + weight.count <= x.columns, "\(weight.count) from \(column)")
        let count = weight.count
        unsafe withOptionalPointer(weight) { weight in
            guard let weight = unsafe weight else { return }
            unsafe mapRows(of: x, rows, to: x, nil) { _, x in
                for first in stride(from: 0, to: count, by: width) {
                    let piece = unsafe x + column + first
                    switch kind {
                    case .layer(let epsilon):
                        unsafe table.slots.pointee.layer_norm_f32(width, epsilon, piece, weight + first, nil, piece)
                    case .rms(let epsilon):
                        unsafe table.slots.pointee.rms_norm_f32(width, epsilon, piece, weight + first, piece)
                    }
                }
            }
        }
    }

    /// `target *= source` for `rows` of both.
    public func multiply(_ source: ActivationRows, rows: Range<Int>, into target: ActivationRows) {
        precondition(source !== target, "source and target are the same rows")
        let n = source.columns
        unsafe mapRows(of: source, rows, to: target, nil) { x, y in
            unsafe table.slots.pointee.multiply_elements(n, x, y)
        }
    }

    /// `x *= factor` for `rows`.
    public func scale(_ x: ActivationRows, rows: Range<Int>, by factor: Float) {
        let n = x.columns
        unsafe mapRows(of: x, rows, to: x, nil) { _, x in unsafe table.slots.pointee.scale(n, factor, x) }
    }

    /// Brings the elements of `rows` between −bound and bound.
    public func clamp(_ x: ActivationRows, rows: Range<Int>, bound: Float) {
        let n = x.columns
        unsafe mapRows(of: x, rows, to: x, nil) { _, x in unsafe table.slots.pointee.clamp(n, bound, x) }
    }

    /// `x = cap · tanh(x / cap)` for `rows`.
    public func softCap(_ x: ActivationRows, rows: Range<Int>, cap: Float) {
        let n = x.columns
        unsafe mapRows(of: x, rows, to: x, nil) { _, x in unsafe table.slots.pointee.soft_cap_f32(n, cap, x) }
    }

    /// `target[targetRow] += factor · source[row]`.
    public func addScaled(
        _ source: ActivationRows, row: Int, by factor: Float, to target: ActivationRows, targetRow: Int
    ) {
        precondition(source !== target && source.columns == target.columns, "\(source.columns) to \(target.columns)")
        unsafe table.slots.pointee.add_scaled(
            source.columns, factor, source.pointer(row), target.pointer(targetRow))
    }

    /// `target[targetRow + r] += source[rows.lowerBound + r]`. `targetRow` defaults to `rows.lowerBound`.
    public func add(_ source: ActivationRows, rows: Range<Int>, to target: ActivationRows, targetRow: Int? = nil) {
        precondition(source !== target, "source and target are the same rows")
        let n = source.columns
        unsafe mapRows(of: source, rows, to: target, targetRow) { x, y in
            unsafe table.slots.pointee.add_f32(n, x, y)
        }
    }

    /// `gate = silu(gate) · up` for `rows` of both: the gated feed-forward (Shazeer, arXiv 2002.05202).
    public func siluMultiply(gate: ActivationRows, up: ActivationRows, rows: Range<Int>) {
        precondition(gate !== up, "gate and up are the same rows")
        let n = gate.columns
        unsafe mapRows(of: up, rows, to: gate, nil) { up, gate in
            unsafe table.slots.pointee.silu_multiply_f32(n, gate, up, gate)
        }
    }

    /// `x = gelu(x)` by its tanh approximation ("gelu_new"; Hendrycks and Gimpel, arXiv 1606.08415) for `rows`.
    public func geluTanh(_ x: ActivationRows, rows: Range<Int>) {
        let n = x.columns
        unsafe mapRows(of: x, rows, to: x, nil) { _, x in unsafe table.slots.pointee.gelu_tanh_f32(n, x) }
    }

    /// `x = x · Φ(x)`, the exact gelu, for `rows`.
    public func geluErf(_ x: ActivationRows, rows: Range<Int>) {
        let n = x.columns
        unsafe mapRows(of: x, rows, to: x, nil) { _, x in unsafe table.slots.pointee.gelu_erf_f32(n, x) }
    }

    /// `target[targetRow + r] = source[rows.lowerBound + r]`. The ranges of one object must not overlap.
    public func copyRows(_ source: ActivationRows, rows: Range<Int>, to target: ActivationRows, targetRow: Int) {
        precondition(source.columns == target.columns, "\(source.columns) columns to \(target.columns)")
        source.check(rows)
        target.check(targetRow..<targetRow + rows.count)
        let targetRows = targetRow..<targetRow + rows.count
        precondition(source !== target || !rows.overlaps(targetRows), "rows \(rows) overlap \(targetRows)")
        for offset in 0..<rows.count {
            unsafe target.pointer(targetRow + offset)
                .update(from: source.pointer(rows.lowerBound + offset), count: source.columns)
        }
    }

    /// Calls `body` with each row and its place in `output`, both `[columns]`.
    @unsafe private func mapRows(
        of input: ActivationRows, _ rows: Range<Int>, to output: ActivationRows, _ outputRow: Int?,
        _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let outputRow = outputRow ?? rows.lowerBound
        precondition(input.columns == output.columns, "\(input.columns) columns to \(output.columns)")
        precondition(
            input !== output || outputRow == rows.lowerBound, "rows \(rows) to \(outputRow) of the same object")
        input.check(rows)
        output.check(outputRow..<outputRow + rows.count)
        guard !rows.isEmpty else { return }
        let share = rowsPerShare(rows.count, columns: input.columns)
        let x = unsafe input.pointer(rows.lowerBound)
        let y = unsafe output.pointer(outputRow)
        let count = rows.count
        let xStride = input.stride
        let yStride = output.stride
        team.run(count: (count + share - 1) / share) { index, _ in
            for row in index * share..<min(count, (index + 1) * share) {
                unsafe body(x + row * xStride, y + row * yStride)
            }
        }
    }
}
