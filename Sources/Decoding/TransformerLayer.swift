internal import Kernels
internal import KVCaching
internal import Tensors

/// One transformer layer over a group of rows. Rows are independent but for their lanes, so a row's bits do not
/// depend on the group it is in. Made once for the engine's buffers, so that a step allocates nothing.
///
/// A layer is seven passes of the thread team: norm, query key and value, attention, its output, norm, first half of
/// the feed-forward with its activation, second half. Each pass leaves its rows quantised as the next one wants them.
struct TransformerLayer {
    let index: Int
    private let weights: LayerWeights
    private let normalization: Compute.NormKind
    private let activation: Compute.Activation
    private let compute: Compute
    private let attention: LaneAttention
    private let buffers: StepBuffers
    private let queryKeyValue: [Compute.Product]
    private let attentionOutput: [Compute.Product]
    /// Gate and up, or up alone.
    private let feedForward: [Compute.Product]
    private let down: [Compute.Product]
    /// Those that read the first norm's rows.
    private let readers: [Compute.Product]

    init(
        _ index: Int, of model: DecoderModel, compute: Compute, attention: LaneAttention, buffers: StepBuffers
    ) {
        let weights = model.weights.layers[index]
        self.index = index
        self.weights = weights
        self.compute = compute
        self.attention = attention
        self.buffers = buffers
        normalization = Compute.NormKind(model.configuration.normalization)
        activation = Compute.Activation(model.configuration.activation)
        var column = 0
        queryKeyValue = weights.queryKeyValue.map { linear in
            defer { column += linear.weight.rows }
            return Compute.Product(
                linear.weight, bias: linear.bias, output: buffers.queryKeyValue, outputColumn: column)
        }
        func product(_ linear: Linear, _ output: ActivationRows) -> Compute.Product {
            Compute.Product(linear.weight, bias: linear.bias, output: output)
        }
        attentionOutput = [product(weights.attentionOutput, buffers.projected)]
        down = [product(weights.down, buffers.projected)]
        if activation == .siluGated {
            guard let gate = weights.gate, let gated = buffers.gate else {
                preconditionFailure("a gated model without gates")
            }
            feedForward = [product(gate, gated), product(weights.up, buffers.up)]
        } else {
            feedForward = [product(weights.up, buffers.up)]
        }
        readers = weights.feedForwardNorm == nil ? queryKeyValue + feedForward : queryKeyValue
    }

    /// Takes rows `0..<rows` of `hidden` through the layer, but for its last sum: what `finish`, or the next layer with
    /// `addsProjected`, adds to them is in `projected`. `jobs` say which rows belong to which sequence. With `kept`,
    /// which rises, only those rows are finished after attention, and are then the first rows.
    func run(rows: Int, jobs: [AttentionJob], addsProjected: Bool, keeping kept: [Int]? = nil) {
        var all = 0..<rows
        normalize(weights.attentionNorm, adding: addsProjected, rows: all, for: readers)
        compute.multiply(queryKeyValue, input: buffers.normed, inputRows: all, outputRow: 0, isQuantised: true)
        attention.run(
            jobs, layer: index, qkv: buffers.queryKeyValue, output: buffers.attended,
            quantisation: kept == nil ? attentionOutput[0].quantisation : nil)
        if let kept {
            moveUp(kept, buffers.attended)
            moveUp(kept, buffers.hidden)
            if weights.feedForwardNorm == nil { moveUp(kept, buffers.normed) }
            all = 0..<kept.count
        }
        compute.multiply(
            attentionOutput, input: buffers.attended, inputRows: all, outputRow: 0,
            isQuantised: kept == nil && attention.canQuantise)
        if let norm = weights.feedForwardNorm {
            normalize(norm, adding: true, rows: all, for: feedForward)
        } else {
            compute.add(buffers.projected, rows: all, to: buffers.hidden)
        }
        compute.multiply(
            feedForward, activation: activation, next: down[0].quantisation, input: buffers.normed, rows: all,
            isQuantised: weights.feedForwardNorm != nil || kept == nil)
        let activated = activation == .siluGated ? buffers.gate ?? buffers.up : buffers.up
        compute.multiply(down, input: activated, inputRows: all, outputRow: 0, isQuantised: true)
    }

    /// The layer's last sum for the first `rows` rows.
    func finish(rows: Int) { compute.add(buffers.projected, rows: 0..<rows, to: buffers.hidden) }

    /// Makes the rows named by `kept`, which rise, the first ones.
    private func moveUp(_ kept: [Int], _ rows: ActivationRows) {
        for (target, row) in kept.enumerated() where target != row {
            compute.copyRows(rows, rows: row..<row + 1, to: rows, targetRow: target)
        }
    }

    private func normalize(_ norm: Norm, adding: Bool, rows: Range<Int>, for readers: [Compute.Product]) {
        compute.normalize(
            buffers.hidden, adding: adding ? buffers.projected : nil, rows: rows, kind: normalization,
            weight: norm.weight, bias: norm.bias, output: buffers.normed, for: readers)
    }
}

extension Compute.NormKind {
    init(_ kind: ModelConfiguration.Normalization) {
        switch kind {
        case .rms(let epsilon): self = .rms(epsilon: epsilon)
        case .layer(let epsilon): self = .layer(epsilon: epsilon)
        }
    }
}

extension Compute.Activation {
    init(_ activation: ModelConfiguration.Activation) {
        switch activation {
        case .siluGated: self = .siluGated
        case .geluTanh: self = .geluTanh
        case .geluErf: self = .geluErf
        }
    }
}
