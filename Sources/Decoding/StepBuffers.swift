internal import Kernels

/// The activations of one group of rows, allocated once. All are [rows, …] f32.
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
        queryKeyValue = matrix((model.queryHeads + 2 * model.kvHeads) * model.headDim)
        attended = matrix(model.queryHeads * model.headDim)
        projected = matrix(model.hiddenSize)
        gate = model.activation == .siluGated ? matrix(model.feedForwardSize) : nil
        up = matrix(model.feedForwardSize)
        logits = ActivationRows(rowCapacity: logitRows, columns: model.vocabularySize)
    }
}
