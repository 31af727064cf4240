internal import Generation

/// A sequence in the queue.
struct WaitingSequence: Sendable {
    let admission: Admission
    var isPaused = false
}

/// A sequence that holds bytes.
struct RunningSequence: Sendable {
    /// How far it has come.
    enum Phase: Sendable, Equatable {
        /// Rows before `row` have passed layer `layer`, all rows have passed the layers before it. Where a prompt
        /// passes by rows, `layer` is 0 and the rows before `row` have passed all layers.
        case prefill(layer: Int, row: Int)
        /// The prompt is done and so many decode rows after it.
        case decode(rows: Int)
    }

    let admission: Admission
    var phase = Phase.prefill(layer: 0, row: 0)
    var isPaused: Bool
    /// The first row of the prompt that is read in every layer.
    var firstRow = 0
    /// Of what the admission asks for, bytes that shared memory stands for.
    var coveredBytes = 0
    /// The number of its last decode row among those of all sequences.
    var lastTurn = 0

    var id: SequenceID { admission.id }

    var isPrefilling: Bool {
        if case .prefill = phase { true } else { false }
    }

    var reservedBytes: Int { (isPrefilling ? admission.startBytes : admission.steadyBytes) - coveredBytes }

    var canPrefill: Bool { !isPaused && isPrefilling }

    var canDecode: Bool {
        guard !isPaused, case .decode(let rows) = phase else { return false }
        return rows < admission.maxDecodeRows
    }

    /// The next piece of the prompt within `rowLayers`, at least 1. A prompt that passes by rows: rows through all
    /// layers, or nil if not even one fits. Another one: whole layers while all rows fit, else a part of one layer's
    /// rows. What is left is cut into equal parts, so that no step is spent on a crumb.
    /// Requires that the prompt is not done.
    func nextPiece(rowLayers: Int, layerCount: Int) -> PrefillPiece? {
        guard case .prefill(let layer, let row) = phase else { preconditionFailure("the prompt of \(id) is done") }
        let rows = admission.promptTokens
        if admission.passesByRows {
            guard rowLayers >= layerCount else { return nil }
            return PrefillPiece(
                sequence: id, layers: 0..<layerCount, rows: part(of: row..<rows, most: rowLayers / layerCount))
        }
        let whole = firstRow..<rows
        if row == firstRow, whole.count <= rowLayers {
            let layers = min(layerCount - layer, rowLayers / whole.count)
            return PrefillPiece(sequence: id, layers: layer..<(layer + layers), rows: whole)
        }
        return PrefillPiece(
            sequence: id, layers: layer..<(layer + 1), rows: part(of: row..<rows, most: rowLayers))
    }

    /// The first of as few equal parts of `rows` as have at most `most`.
    private func part(of rows: Range<Int>, most: Int) -> Range<Int> {
        let parts = (rows.count + most - 1) / most
        return rows.lowerBound..<(rows.lowerBound + (rows.count + parts - 1) / parts)
    }

    /// Whether `piece` has so few rows, without being the last ones, that reading the layer's weights for them costs
    /// more than multiplying.
    func isCrumb(_ piece: PrefillPiece) -> Bool {
        piece.rows.count < 16 && piece.rows.upperBound < admission.promptTokens
    }

    /// Moves past `piece`.
    mutating func complete(_ piece: PrefillPiece, layerCount: Int) {
        guard case .prefill(let layer, let row) = phase else { preconditionFailure("the prompt of \(id) is done") }
        let rows = admission.promptTokens
        precondition(
            piece.layers.lowerBound == layer && piece.rows.lowerBound == row && piece.layers.upperBound <= layerCount
                && piece.rows.upperBound <= rows && isWhole(piece, layerCount: layerCount),
            "\(id) is at layer \(layer), row \(row) of \(layerCount) x \(rows), the piece is \(piece)")
        if piece.rows.upperBound < rows {
            // Of a prompt that passes by rows, `layer` is 0.
            phase = .prefill(layer: layer, row: piece.rows.upperBound)
        } else if piece.layers.upperBound < layerCount {
            phase = .prefill(layer: piece.layers.upperBound, row: firstRow)
        } else {
            phase = .decode(rows: 0)
        }
    }

    /// Whether the piece has all layers of its rows, or all rows of its layers where these are several.
    private func isWhole(_ piece: PrefillPiece, layerCount: Int) -> Bool {
        admission.passesByRows
            ? piece.layers == 0..<layerCount
            : piece.layers.count == 1 || piece.rows == firstRow..<admission.promptTokens
    }

    /// Moves past one decode row, the `turn`th of all sequences.
    mutating func completeDecodeRow(turn: Int) {
        guard case .decode(let rows) = phase else { preconditionFailure("the prompt of \(id) is not done") }
        phase = .decode(rows: rows + 1)
        lastTurn = turn
    }
}
