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
        let isParallel = model.block == .parallel
        let input = normalized(weights.attentionNorm, buffers, rows: all)
        compute.multiply(
            queryKeyValue(into: buffers.queryKeyValue), input: input, inputRows: all, outputRow: 0)
        shapeQueriesAndKeys(buffers.queryKeyValue, rows: all)
        attention.run(jobs, layer: index, qkv: buffers.queryKeyValue, output: buffers.attended)
        if let kept {
            moveUp(kept, buffers.attended)
            moveUp(kept, buffers.hidden)
            if isParallel && weights.feedForwardNorm == nil { moveUp(kept, buffers.normed) }
            all = 0..<kept.count
        }
        guard !all.isEmpty else { return }
        // A parallel block's feed-forward sees the residual stream without attention's part.
        let before = isParallel && weights.feedForwardNorm == nil ? input : nil
        let parallelInput = isParallel ? before ?? normalized(weights.feedForwardNorm, buffers, rows: all) : nil
        apply(weights.attentionOutput, buffers.attended, rows: all, into: buffers.projected)
        addProjected(buffers, after: weights.attentionPostNorm, rows: all)
        feedForward(
            from: parallelInput ?? normalized(weights.feedForwardNorm, buffers, rows: all), buffers, rows: all)
        addProjected(buffers, after: weights.feedForwardPostNorm, rows: all)
    }

    /// The residual stream behind the norm, or as it is where there is none.
    private func normalized(_ norm: Norm?, _ buffers: StepBuffers, rows: Range<Int>) -> ActivationRows {
        guard let norm else { return buffers.hidden }
        compute.normalize(norm, model.normalization, buffers.hidden, rows: rows, into: buffers.normed)
        return buffers.normed
    }

    private func addProjected(_ buffers: StepBuffers, after norm: Norm?, rows: Range<Int>) {
        if let norm {
            compute.normalize(norm, model.normalization, buffers.projected, rows: rows, into: buffers.projected)
        }
        compute.add(buffers.projected, rows: rows, to: buffers.hidden)
    }

    /// Makes the rows named by `kept`, which rise, the first ones.
    private func moveUp(_ kept: [Int], _ rows: ActivationRows) {
        for (target, row) in kept.enumerated() where target != row {
            compute.copyRows(rows, rows: row..<row + 1, to: rows, targetRow: target)
        }
    }

    // MARK: Attention

    private func queryKeyValue(into output: ActivationRows) -> [Compute.Product] {
        var column = 0
        return weights.queryKeyValue.map { linear in
            defer { column += linear.weight.rows }
            return Compute.Product(linear.weight, bias: linear.bias, output: output, outputColumn: column)
        }
    }

    /// What happens to queries, keys and values before they are rotated.
    private func shapeQueriesAndKeys(_ output: ActivationRows, rows: Range<Int>) {
        if let bound = model.queryKeyValueBound { compute.clamp(output, rows: rows, bound: bound) }
        if let norm = weights.queryNorm { normalizeHeads(norm, output, rows: rows, column: 0) }
        if let norm = weights.keyNorm {
            normalizeHeads(norm, output, rows: rows, column: model.queryHeads * model.headDim)
        }
    }

    private func normalizeHeads(_ weight: [Float], _ output: ActivationRows, rows: Range<Int>, column: Int) {
        let width = model.queryKeyNorm == .projection ? weight.count : model.headDim
        switch model.normalization {
        case .rms(let epsilon):
            compute.normPieces(
                output, rows: rows, column: column, width: width, weight: weight, epsilon: epsilon, isCentred: false)
        case .layer(let epsilon):
            compute.normPieces(
                output, rows: rows, column: column, width: width, weight: weight, epsilon: epsilon, isCentred: true)
        }
    }

    // MARK: Feed-forward

    /// Into `projected`.
    private func feedForward(from input: ActivationRows, _ buffers: StepBuffers, rows: Range<Int>) {
        switch weights.feedForward {
        case .dense(let weights):
            FeedForwardPass(activation: model.feedForward.activation, compute: compute).run(
                weights, input, rows: rows, buffers, output: buffers.projected)
        case .experts(let weights):
            guard let experts = model.layers[index].experts, let room = buffers.experts else {
                preconditionFailure("experts without their numbers")
            }
            ExpertPass(experts: experts, activation: model.feedForward.activation, compute: compute).run(
                weights, input, rows: rows, buffers, room, output: buffers.projected)
        }
    }

    private func apply(
        _ linear: Linear, _ input: ActivationRows, rows: Range<Int>, into output: ActivationRows
    ) {
        compute.multiply(
            linear.weight, bias: linear.bias, input: input, inputRows: rows, output: output, outputRow: 0)
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
