internal import Kernels
internal import KVCaching
internal import Tensors

/// One transformer layer over a group of rows. Rows are independent but for their lanes, so a row's bits do not
/// depend on the group it is in.
struct TransformerLayer {
    let model: ModelConfiguration
    let weights: LayerWeights
    let index: Int
    let compute: Compute
    let attention: LaneAttention

    /// Updates `buffers.hidden` rows `0..<rows` in place; `jobs` say which rows belong to which sequence. With `kept`,
    /// which rises, only those rows are finished after attention, and are then the first rows.
    func run(_ buffers: StepBuffers, rows: Int, jobs: [AttentionJob], keeping kept: [Int]? = nil) {
        var all = 0..<rows
        normalize(weights.attentionNorm, buffers.hidden, rows: all, into: buffers.normed)
        compute.multiply(
            queryKeyValue(into: buffers.queryKeyValue), input: buffers.normed, inputRows: all, outputRow: 0)
        attention.run(jobs, layer: index, qkv: buffers.queryKeyValue, output: buffers.attended)
        if let kept {
            moveUp(kept, buffers.attended)
            moveUp(kept, buffers.hidden)
            if weights.feedForwardNorm == nil { moveUp(kept, buffers.normed) }
            all = 0..<kept.count
        }
        guard !all.isEmpty else { return }
        apply(weights.attentionOutput, buffers.attended, rows: all, into: buffers.projected)
        compute.add(buffers.projected, rows: all, to: buffers.hidden)
        if let norm = weights.feedForwardNorm {
            normalize(norm, buffers.hidden, rows: all, into: buffers.normed)
        }
        feedForward(buffers, rows: all)
        compute.add(buffers.projected, rows: all, to: buffers.hidden)
    }

    /// Makes the rows named by `kept`, which rise, the first ones.
    private func moveUp(_ kept: [Int], _ rows: ActivationRows) {
        for (target, row) in kept.enumerated() where target != row {
            compute.copyRows(rows, rows: row..<row + 1, to: rows, targetRow: target)
        }
    }

    private func queryKeyValue(into output: ActivationRows) -> [Compute.Product] {
        var column = 0
        return weights.queryKeyValue.map { linear in
            defer { column += linear.weight.rows }
            return Compute.Product(linear.weight, bias: linear.bias, output: output, outputColumn: column)
        }
    }

    /// From `normed` to `projected`.
    private func feedForward(_ buffers: StepBuffers, rows: Range<Int>) {
        let up = Compute.Product(weights.up.weight, bias: weights.up.bias, output: buffers.up)
        var products = [up]
        if let gate = weights.gate, let gated = buffers.gate {
            products.append(Compute.Product(gate.weight, bias: gate.bias, output: gated))
        }
        compute.multiply(products, input: buffers.normed, inputRows: rows, outputRow: 0)
        switch model.activation {
        case .siluGated:
            guard let gated = buffers.gate else { preconditionFailure("a gated model without gates") }
            compute.siluMultiply(gate: gated, up: buffers.up, rows: rows)
            apply(weights.down, gated, rows: rows, into: buffers.projected)
            return
        case .geluTanh: compute.geluTanh(buffers.up, rows: rows)
        case .geluErf: compute.geluErf(buffers.up, rows: rows)
        }
        apply(weights.down, buffers.up, rows: rows, into: buffers.projected)
    }

    private func apply(
        _ linear: Linear, _ input: ActivationRows, rows: Range<Int>, into output: ActivationRows
    ) {
        compute.multiply(
            linear.weight, bias: linear.bias, input: input, inputRows: rows, output: output, outputRow: 0)
    }

    private func normalize(_ norm: Norm, _ input: ActivationRows, rows: Range<Int>, into output: ActivationRows) {
        compute.normalize(norm, model.normalization, input, rows: rows, into: output)
    }
}

extension Compute {
    /// Applies a norm of either kind to rows.
    func normalize(
        _ norm: Norm, _ kind: ModelConfiguration.Normalization, _ input: ActivationRows, rows: Range<Int>,
        into output: ActivationRows
    ) {
        switch kind {
        case .rms(let epsilon): rmsNorm(input, rows: rows, weight: norm.weight, epsilon: epsilon, output: output)
        case .layer(let epsilon):
            layerNorm(input, rows: rows, weight: norm.weight, bias: norm.bias, epsilon: epsilon, output: output)
        }
    }
}
