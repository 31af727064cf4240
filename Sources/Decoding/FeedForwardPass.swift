internal import Kernels

/// One feed-forward over rows: down(activation(gate x) · up x), or down(activation(up x)) without a gate.
struct FeedForwardPass {
    let activation: ModelConfiguration.Activation
    let compute: Compute

    /// Rows of `input` to the first rows of `output`.
    func run(
        _ weights: FeedForwardWeights, _ input: ActivationRows, rows: Range<Int>, _ buffers: StepBuffers,
        output: ActivationRows
    ) {
        // Mixtures may be narrower than the rows that the buffers were made for.
        let (up, gated) = buffers.feedForward(columns: weights.up.weight.rows)
        var products = [Compute.Product(weights.up.weight, bias: weights.up.bias, output: up)]
        if let gate = weights.gate {
            products.append(Compute.Product(gate.weight, bias: gate.bias, output: gated))
        }
        compute.multiply(products, input: input, inputRows: rows, outputRow: 0)
        let all = 0..<rows.count
        let inner = weights.gate == nil ? up : gated
        switch activation {
        case .silu:
            precondition(weights.gate != nil, "silu without a gate")
            compute.siluMultiply(gate: gated, up: up, rows: all)
        case .geluTanh: compute.geluTanh(inner, rows: all)
        case .geluErf: compute.geluErf(inner, rows: all)
        }
        if weights.gate != nil && activation != .silu { compute.multiply(up, rows: all, into: gated) }
        compute.multiply(
            weights.down.weight, bias: weights.down.bias, input: inner, inputRows: all, output: output, outputRow: 0)
    }
}
