internal import Kernels
internal import KVCaching
internal import Tensors

/// One transformer layer over a group of rows. Rows are independent but for their lanes, so a row's bits do not
/// depend on the group it is in. Made once for the engine's buffers, so that a step allocates nothing.
///
/// A plain layer is seven passes of the thread team: norm, query key and value, attention, its output, norm, first
/// half of the feed-forward with its activation, second half. Each pass leaves its rows quantised as the next one
/// wants them.
/// What else a family has, norms of queries and keys or norms behind attention, is a pass where its weights are there.
struct TransformerLayer {
    let index: Int
    private let weights: LayerWeights
    private let normalization: Compute.NormKind
    private let headNorms: [HeadNorm]
    private let bound: Float?
    private let isParallel: Bool
    private let compute: Compute
    private let attention: LaneAttention
    private let buffers: StepBuffers
    private let queryKeyValue: [Compute.Product]
    private let attentionOutput: [Compute.Product]
    private let feedForward: FeedForwardPass
    private let experts: ExpertPass?
    /// Those that read the first norm's rows.
    private let readers: [Compute.Product]

    /// A norm of some columns of queries and keys, `width` at a time.
    private struct HeadNorm {
        let column: Int
        let width: Int
        let weight: [Float]
    }

    init(
        _ index: Int, of model: DecoderModel, compute: Compute, attention: LaneAttention, buffers: StepBuffers
    ) {
        let (weights, configuration) = (model.weights.layers[index], model.configuration)
        self.index = index
        self.weights = weights
        self.compute = compute
        self.attention = attention
        self.buffers = buffers
        normalization = Compute.NormKind(configuration.normalization)
        bound = configuration.queryKeyValueBound
        isParallel = configuration.block == .parallel
        let norms = [(0, weights.queryNorm), (configuration.queryHeads * configuration.headDim, weights.keyNorm)]
        headNorms = norms.compactMap { column, weight in
            weight.map { weight in
                let width = configuration.queryKeyNorm == .projection ? weight.count : configuration.headDim
                return HeadNorm(column: column, width: width, weight: weight)
            }
        }
        var column = 0
        queryKeyValue = weights.queryKeyValue.map { linear in
            defer { column += linear.weight.rows }
            return Compute.Product(
                linear.weight, bias: linear.bias, output: buffers.queryKeyValue, outputColumn: column)
        }
        attentionOutput = [
            Compute.Product(
                weights.attentionOutput.weight, bias: weights.attentionOutput.bias, output: buffers.projected)
        ]
        let activation = Compute.Activation(configuration.feedForward)
        switch weights.feedForward {
        case .dense(let dense):
            feedForward = FeedForwardPass(dense, activation, compute, buffers, output: buffers.projected)
            experts = nil
        case .experts(let mixture):
            feedForward = FeedForwardPass.none(compute)
            experts = ExpertPass(mixture, configuration.layers[index].experts, activation, compute, buffers)
        }
        let sharesNorm = isParallel && weights.feedForwardNorm == nil
        readers = sharesNorm ? queryKeyValue + feedForward.first : queryKeyValue
    }

    /// Takes rows `0..<rows` of `hidden` through the layer, but for its last sum: what `finish`, or the next layer with
    /// `addsProjected`, adds to them is in `projected`. `jobs` say which rows belong to which sequence. With `kept`,
    /// which rises, only those rows are finished after attention, and are then the first rows.
    func run(rows: Int, jobs: [AttentionJob], addsProjected: Bool, keeping kept: [Int]? = nil) {
        var all = 0..<rows
        let input = normalized(weights.attentionNorm, adding: addsProjected, rows: all, for: readers)
        compute.multiply(
            queryKeyValue, input: input, inputRows: all, outputRow: 0, isQuantised: weights.attentionNorm != nil)
        shapeQueriesAndKeys(rows: all)
        attention.run(
            jobs, layer: index, qkv: buffers.queryKeyValue, output: buffers.attended,
            quantisation: kept == nil ? attentionOutput[0].quantisation : nil)
        let sharesNorm = isParallel && weights.feedForwardNorm == nil
        if let kept {
            moveUp(kept, buffers.attended)
            moveUp(kept, buffers.hidden)
            if sharesNorm { moveUp(kept, input) }
            all = 0..<kept.count
        }
        compute.multiply(
            attentionOutput, input: buffers.attended, inputRows: all, outputRow: 0,
            isQuantised: kept == nil && attention.canQuantise)
        normalizeProjected(weights.attentionPostNorm, rows: all)
        if sharesNorm {
            compute.add(buffers.projected, rows: all, to: buffers.hidden)
            runFeedForward(input, rows: all, isQuantised: kept == nil && weights.attentionNorm != nil)
        } else if isParallel {
            // The feed-forward sees the residual stream without attention's part.
            let own = normalized(weights.feedForwardNorm, adding: false, rows: all, for: feedForward.first)
            compute.add(buffers.projected, rows: all, to: buffers.hidden)
            runFeedForward(own, rows: all, isQuantised: true)
        } else {
            let own = normalized(weights.feedForwardNorm, adding: true, rows: all, for: feedForward.first)
            runFeedForward(own, rows: all, isQuantised: weights.feedForwardNorm != nil)
        }
        normalizeProjected(weights.feedForwardPostNorm, rows: all)
    }

    /// The layer's last sum for the first `rows` rows.
    func finish(rows: Int) { compute.add(buffers.projected, rows: 0..<rows, to: buffers.hidden) }

    /// Makes the rows named by `kept`, which rise, the first ones.
    private func moveUp(_ kept: [Int], _ rows: ActivationRows) {
        for (target, row) in kept.enumerated() where target != row {
            compute.copyRows(rows, rows: row..<row + 1, to: rows, targetRow: target)
        }
    }

    /// The residual stream behind the norm and quantised for its readers, or as it is where there is no norm. `adding`:
    /// `projected` joins it first.
    private func normalized(
        _ norm: Norm?, adding: Bool, rows: Range<Int>, for readers: [Compute.Product]
    ) -> ActivationRows {
        guard let norm else {
            if adding { compute.add(buffers.projected, rows: rows, to: buffers.hidden) }
            return buffers.hidden
        }
        compute.normalize(
            buffers.hidden, adding: adding ? buffers.projected : nil, rows: rows, kind: normalization,
            weight: norm.weight, bias: norm.bias, output: buffers.normed, for: readers)
        return buffers.normed
    }

    private func normalizeProjected(_ norm: Norm?, rows: Range<Int>) {
        guard let norm else { return }
        compute.normalize(
            buffers.projected, adding: nil, rows: rows, kind: normalization, weight: norm.weight, bias: norm.bias,
            output: buffers.projected, for: [])
    }

    /// What happens to queries, keys and values before they are rotated.
    private func shapeQueriesAndKeys(rows: Range<Int>) {
        if let bound { compute.clamp(buffers.queryKeyValue, rows: rows, bound: bound) }
        for norm in headNorms {
            compute.normPieces(
                buffers.queryKeyValue, rows: rows, column: norm.column, width: norm.width, weight: norm.weight,
                kind: normalization)
        }
    }

    /// Into `projected`.
    private func runFeedForward(_ input: ActivationRows, rows: Range<Int>, isQuantised: Bool) {
        if let experts { return experts.run(input, rows: rows) }
        feedForward.run(input, rows: rows, isQuantised: isQuantised)
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
