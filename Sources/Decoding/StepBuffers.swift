internal import Kernels

/// The activations of one group of rows, allocated once. All are [rows, …] f32. Those of attention, of the feed-forward
/// and of the output matrix share memory: in a layer one follows the other, and none reads what an earlier one left.
final class StepBuffers {
    /// An expert that a row chose, and what its output counts.
    struct ExpertChoice {
        let expert: Int
        var weight: Float
    }

    /// Room for mixtures.
    final class ExpertRows {
        /// [rows, experts]
        let logits: ActivationRows
        /// Rows that go to one expert, and what comes out of it, [rows, hidden].
        let gathered: ActivationRows
        let outputs: ActivationRows
        /// [rows]
        var choices: [[ExpertChoice]]

        init(rows: Int, experts: Int, hidden: Int) {
            logits = ActivationRows(rowCapacity: rows, columns: experts)
            gathered = ActivationRows(rowCapacity: rows, columns: hidden)
            outputs = ActivationRows(rowCapacity: rows, columns: hidden)
            choices = Array(repeating: [], count: rows)
        }

        /// What the expert counts for the row; nil where the row did not choose it.
        func weight(of expert: Int, row: Int) -> Float? {
            choices[row].first { $0.expert == expert }?.weight
        }
    }

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
    /// By width: [rows, width] for what comes from `up` and for the gate, which is small where there is none.
    private let widths: [Int: (up: ActivationRows, gate: ActivationRows)]
    /// Only where a layer is a mixture.
    let experts: ExpertRows?
    /// [logitRows, vocabulary]
    let logits: ActivationRows

    init(_ model: ModelConfiguration, rows: Int, logitRows: Int) {
        self.rows = rows
        func matrix(_ columns: Int) -> ActivationRows { ActivationRows(rowCapacity: rows, columns: columns) }
        hidden = matrix(model.hiddenSize)
        normed = matrix(model.hiddenSize)
        projected = matrix(model.hiddenSize)
        experts =
            model.expertCount > 0 ? ExpertRows(rows: rows, experts: model.expertCount, hidden: model.hiddenSize) : nil
        func size(_ columns: Int) -> ActivationRows.Size { .init(rowCapacity: rows, columns: columns) }
        let heads = model.queryHeads + 2 * model.kvHeads
        let sizes = Set(model.layers.map { $0.experts?.size ?? model.feedForward.size }).sorted()
        let shared = ActivationRows.sharingMemory(
            [
                [size(heads * model.headDim), size(model.queryHeads * model.headDim)],
                [.init(rowCapacity: logitRows, columns: model.vocabularySize)],
            ] + sizes.map { [size($0), size(model.feedForward.isGated ? $0 : 1)] })
        (queryKeyValue, attended) = (shared[0][0], shared[0][1])
        logits = shared[1][0]
        widths = Dictionary(
            uniqueKeysWithValues: zip(sizes, shared.dropFirst(2)).map { ($0, (up: $1[0], gate: $1[1])) })
    }

    /// The rows between the matrices of a feed-forward of this width.
    func feedForward(columns: Int) -> (up: ActivationRows, gate: ActivationRows) {
        guard let rows = widths[columns] else { preconditionFailure("no rows of \(columns) columns") }
        return rows
    }
}
