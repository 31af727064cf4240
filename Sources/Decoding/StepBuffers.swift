internal import Kernels

/// The activations of one group of rows, allocated once. All are [rows, …] f32. Those of attention, of the feed-forward
/// and of the output matrix share memory: in a layer one follows the other, and none reads what an earlier one left.
final class StepBuffers {
    let rows: Int
    /// Residual stream, [rows, hidden].
    let hidden: ActivationRows
    let normed: ActivationRows
    /// [rows, (queryHeads + 2·kvHeads) · headDim]
    let queryKeyValue: ActivationRows
    /// [rows, queryHeads · headDim]
    let attended: ActivationRows
    /// Outputs of attention and feed-forward, [rows, hidden].
    let projected: ActivationRows
    /// [rows, feedForward]; only where the feed-forward is gated.
    let gate: ActivationRows?
    let up: ActivationRows
    /// [logitRows, vocabulary]
    let logits: ActivationRows

    init(_ model: ModelConfiguration, rows: Int, logitRows: Int) {
        self.rows = rows
        func matrix(_ columns: Int) -> ActivationRows { ActivationRows(rowCapacity: rows, columns: columns) }
        hidden = matrix(model.hiddenSize)
        normed = matrix(model.hiddenSize)
        projected = matrix(model.hiddenSize)
        func size(_ columns: Int) -> ActivationRows.Size { .init(rowCapacity: rows, columns: columns) }
        let heads = model.queryHeads + 2 * model.kvHeads
        let shared = ActivationRows.sharingMemory([
            [size(heads * model.headDim), size(model.queryHeads * model.headDim)],
            [size(model.feedForwardSize), size(model.activation == .siluGated ? model.feedForwardSize : 1)],
            [.init(rowCapacity: logitRows, columns: model.vocabularySize)],
        ])
        (queryKeyValue, attended) = (shared[0][0], shared[0][1])
        (up, gate) = (shared[1][0], model.activation == .siluGated ? shared[1][1] : nil)
        logits = shared[2][0]
    }
}
