internal import Kernels

/// One feed-forward over rows: down(activation(gate x) · up x), or down(activation(up x)) without a gate.
struct FeedForwardPass {
    /// Gate and up, or up alone.
    let first: [Compute.Product]
    private let down: [Compute.Product]
    private let activated: ActivationRows?
    private let activation: Compute.Activation
    private let compute: Compute

    /// Into `output`'s rows of the same numbers.
    init(
        _ weights: FeedForwardWeights, _ activation: Compute.Activation, _ compute: Compute, _ buffers: StepBuffers,
        output: ActivationRows
    ) {
        let (up, gated) = buffers.feedForward(columns: weights.up.weight.rows)
        func product(_ linear: Linear, _ output: ActivationRows) -> Compute.Product {
            Compute.Product(linear.weight, bias: linear.bias, output: output)
        }
        first = (weights.gate.map { [product($0, gated)] } ?? []) + [product(weights.up, up)]
        precondition(first.count == activation.productCount, "\(first.count) matrices before \(activation)")
        activated = weights.gate == nil ? up : gated
        down = [product(weights.down, output)]
        self.activation = activation
        self.compute = compute
    }

    private init(_ compute: Compute) {
        (first, down, activated, activation, self.compute) = ([], [], nil, .geluErf, compute)
    }

    /// What stands in for it where a layer has none.
    static func none(_ compute: Compute) -> FeedForwardPass { FeedForwardPass(compute) }

    /// `isQuantised`: the rows stand quantised beside `input` as `first` wants them.
    func run(_ input: ActivationRows, rows: Range<Int>, isQuantised: Bool) {
        guard let activated else { return }
        compute.multiply(
            first, activation: activation, next: down[0].quantisation, input: input, rows: rows,
            isQuantised: isQuantised)
        compute.multiply(down, input: activated, inputRows: rows, outputRow: rows.lowerBound, isQuantised: true)
    }
}

extension Compute.Activation {
    init(_ feedForward: ModelConfiguration.FeedForward) {
        switch (feedForward.activation, feedForward.isGated) {
        case (.silu, _): self = .siluGated
        case (.geluTanh, true): self = .geluTanhGated
        case (.geluErf, true): self = .geluErfGated
        case (.geluTanh, false): self = .geluTanh
        case (.geluErf, false): self = .geluErf
        }
    }
}
