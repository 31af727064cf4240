public import Generation
public import Kernels
public import KVCaching

/// Model, caches and scratch of the engine thread. Made there, used there, dies there.
///
/// A step takes decode rows of many sequences and pieces of prompts through the layers together. Prompts are
/// layer-major (ARCHITECTURE 3.3): their rows wait between layers in the sequence's residual stream. A sequence's
/// logits depend on its own tokens, plan and seed only: not on the batch, the pieces or the number of threads.
public final class DecodeEngine {
    /// Sizes that are fixed when the engine is made.
    public struct Limits: Sendable {
        /// Sequences that may decode in one step.
        public var maxSequences: Int
        /// Rows that pass a layer together; a step of more rows passes in groups.
        public var maxRows: Int
        public var threads: Int
        /// Whether policies are timed (`takePolicySeconds`), which costs clock readings.
        package var timesPolicy = false

        public init(maxSequences: Int, maxRows: Int, threads: Int) {
            self.maxSequences = maxSequences
            self.maxRows = maxRows
            self.threads = threads
        }
    }

    public let model: DecoderModel
    private let arena: KVArena
    private let compute: Compute
    private let attention: LaneAttention
    private let buffers: StepBuffers
    /// Residual stream of the decode rows, [maxSequences, hidden].
    private let decodeResidual: ActivationRows
    private var sequences: [SequenceID: SequenceState] = [:]

    public init(model: DecoderModel, arena: KVArena, limits: Limits, kernels: KernelTable = .best) throws {
        self.model = model
        self.arena = arena
        compute = try Compute(threadCount: limits.threads, table: kernels)
        attention = LaneAttention(
            compute: compute, shape: model.configuration.cacheShape, layers: model.configuration.attentionLayers(),
            timesPolicy: limits.timesPolicy)
        buffers = StepBuffers(model.configuration, rows: limits.maxRows, logitRows: min(16, limits.maxRows))
        decodeResidual = ActivationRows(rowCapacity: limits.maxSequences, columns: model.configuration.hiddenSize)
    }

    /// Takes a sequence and its siblings in and their caches from the arena.
    public func admit(_ admission: SequenceAdmission) {
        precondition(sequences[admission.id] == nil, "\(admission.id) was admitted before")
        attention.reserve(for: admission.plan, scorers: 1 + admission.siblings.count)
        let leader = SequenceState(admission, arena: arena)
        sequences[admission.id] = leader
        for sibling in admission.siblings {
            precondition(sequences[sibling.id] == nil, "\(sibling.id) was admitted before")
            attention.reserve(for: sibling.plan)
            sequences[sibling.id] = SequenceState(sibling: sibling, of: leader, arena: arena)
        }
    }

    /// Takes a sequence in that decodes at once, behind random entries instead of a prompt: for benchmarks.
    package func admitFilled(_ admission: SequenceAdmission) {
        admit(admission)
        let state = state(admission.id)
        state.cache.fillAtRandom(kernels: compute.table)
        state.forgetPrompt()
    }

    /// Gives a sequence's memory back. Siblings whose prompt it still ran can only be released too.
    public func release(_ id: SequenceID) {
        sequences[id] = nil
    }

    /// Seconds that all threads together spent on policies, scores and evictions, since this was asked last; 0 unless
    /// `Limits.timesPolicy`.
    package func takePolicySeconds() -> Double { attention.takePolicySeconds() }

    /// What the sequence's cache holds and held.
    public func usage(of id: SequenceID) -> KVCacheUsage { state(id).cache.usage }

    /// The sequence's cache, for tests and reports.
    public func cache(of id: SequenceID) -> SequenceCache { state(id).cache }

    private func state(_ id: SequenceID) -> SequenceState {
        guard let state = sequences[id] else { preconditionFailure("\(id) is not in the engine") }
        return state
    }

    /// Computes a batch. `sink` gets the decode rows' logits in batch order, then those of the prompt pieces in batch
    /// order, a prompt's last row once for each sibling too; the span is valid during the call only.
    public func run(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        compute.isInStep = true
        defer { compute.isInStep = false }
        let decoding = batch.decode.map { state($0.sequence) }
        for (index, row) in batch.decode.enumerated() {
            embed(row.token, position: learnedPosition(of: decoding[index].cache), into: decodeResidual, row: index)
        }
        for index in 0..<model.configuration.layerCount {
            runLayer(index, batch: batch, decoding: decoding)
        }
        for state in decoding { state.cache.stepFinished() }
        emit(wantedLogits(of: batch), sink: sink)
        for piece in batch.prefill where endsPrompt(piece) { state(piece.sequence).promptFinished() }
    }

    // MARK: Layers

    private func runLayer(_ index: Int, batch: StepBatch, decoding: [SequenceState]) {
        var spans = decoding.enumerated().map { RowSpan(sequence: $1, promptRows: nil, decodeIndex: $0) }
        for piece in batch.prefill where piece.layers.contains(index) {
            let state = state(piece.sequence)
            if index == 0 { embedPrompt(state, rows: piece.rows) }
            spans.append(RowSpan(sequence: state, promptRows: piece.rows, decodeIndex: 0))
            state.completed(layer: index, rows: piece.rows)
        }
        let layer = TransformerLayer(
            model: model.configuration, weights: model.weights.layers[index], index: index, compute: compute,
            attention: attention)
        for group in RowGroups.cut(spans, capacity: buffers.rows) { run(group, layer) }
    }

    /// Gathers the group's residual rows, runs the layer and scatters those back that somebody will read.
    private func run(_ group: [RowSpan], _ layer: TransformerLayer) {
        var jobs: [AttentionJob] = []
        var kept: [Int] = []
        var row = 0
        for span in group {
            let (source, rows) = residual(of: span)
            compute.copyRows(source, rows: rows, to: buffers.hidden, targetRow: row)
            jobs.append(AttentionJob(cache: span.sequence.cache, firstRow: row, promptRows: span.promptRows))
            kept += wantedRows(of: span, after: layer).map { row + $0 }
            row += span.count
        }
        layer.run(buffers, rows: row, jobs: jobs, keeping: kept.count < row ? kept : nil)
        row = 0
        for span in group {
            let (target, rows) = residual(of: span)
            let wanted = wantedRows(of: span, after: layer)
            compute.copyRows(
                buffers.hidden, rows: row..<row + wanted.count, to: target,
                targetRow: rows.lowerBound + wanted.lowerBound)
            row += wanted.count
        }
    }

    /// Which of the span's rows, counted from its first, are read after the layer. After the last layer a prompt has
    /// done its work with its keys and values, but for the row that gives the next token.
    private func wantedRows(of span: RowSpan, after layer: TransformerLayer) -> Range<Int> {
        guard let rows = span.promptRows, layer.index == model.configuration.layerCount - 1,
            !span.sequence.promptLogits
        else { return 0..<span.count }
        return rows.upperBound == span.sequence.prompt.count ? rows.count - 1..<rows.count : 0..<0
    }

    private func residual(of span: RowSpan) -> (rows: ActivationRows, range: Range<Int>) {
        guard let promptRows = span.promptRows else { return (decodeResidual, span.decodeIndex..<span.decodeIndex + 1) }
        guard let residual = span.sequence.residual else { preconditionFailure("prompt rows after the prompt ended") }
        return (residual, promptRows)
    }

    // MARK: Embedding

    private func embedPrompt(_ state: SequenceState, rows: Range<Int>) {
        guard let residual = state.residual else { preconditionFailure("prompt rows after the prompt ended") }
        for row in rows { embed(state.prompt[row], position: row, into: residual, row: row) }
    }

    private func learnedPosition(of cache: SequenceCache) -> Int {
        cache.plan.positions == .compact ? cache.nextCompactPosition : cache.fedTokens
    }

    private func embed(_ token: TokenID, position: Int, into rows: ActivationRows, row: Int) {
        compute.embed(model.weights.embedding, token: Int(token), into: rows, row: row)
        let scale = model.configuration.embeddingScale
        if scale != 1 { compute.scale(rows, rows: row..<row + 1, by: scale) }
        if let table = model.weights.positionEmbedding {
            compute.addPositionEmbedding(table, position: position, into: rows, row: row)
        }
    }

    // MARK: Logits

    /// A row that has passed all layers and whose logits somebody waits for.
    private struct WantedLogits {
        let residual: ActivationRows
        let row: Int
        let origin: LogitsOrigin
        /// Sequences that get the same logits.
        var siblings: [SequenceID] = []
    }

    private func endsPrompt(_ piece: PrefillPiece) -> Bool {
        piece.layers.upperBound == model.configuration.layerCount
            && piece.rows.upperBound == state(piece.sequence).prompt.count
    }

    /// Rows of all sequences, in the order of `run`.
    private func wantedLogits(of batch: StepBatch) -> [WantedLogits] {
        var wanted = batch.decode.enumerated().map { row, decoded in
            WantedLogits(residual: decodeResidual, row: row, origin: .next(decoded.sequence))
        }
        for piece in batch.prefill where piece.layers.upperBound == model.configuration.layerCount {
            let state = state(piece.sequence)
            guard let residual = state.residual else { preconditionFailure("prompt rows after the prompt ended") }
            let last = state.prompt.count - 1
            if state.promptLogits {
                for row in piece.rows where row < last {
                    wanted.append(
                        WantedLogits(residual: residual, row: row, origin: .prompt(piece.sequence, row: row)))
                }
            }
            if endsPrompt(piece) {
                wanted.append(
                    WantedLogits(
                        residual: residual, row: last, origin: .next(piece.sequence), siblings: state.siblings))
            }
        }
        return wanted
    }

    /// Rows of different sequences go through the output matrix together, which is read once for all of them.
    private func emit(_ wanted: [WantedLogits], sink: (LogitsOrigin, Span<Float>) -> Void) {
        let capacity = buffers.logits.rowCapacity
        for start in stride(from: 0, to: wanted.count, by: capacity) {
            let group = wanted[start..<min(start + capacity, wanted.count)]
            for (row, wish) in group.enumerated() {
                compute.copyRows(wish.residual, rows: wish.row..<wish.row + 1, to: buffers.hidden, targetRow: row)
            }
            compute.normalize(
                model.weights.finalNorm, model.configuration.normalization, buffers.hidden, rows: 0..<group.count,
                into: buffers.normed)
            compute.multiply(
                model.weights.output.weight, bias: model.weights.output.bias, input: buffers.normed,
                inputRows: 0..<group.count, output: buffers.logits, outputRow: 0)
            if let cap = model.configuration.finalSoftCap {
                compute.softCap(buffers.logits, rows: 0..<group.count, cap: cap)
            }
            for (row, wish) in group.enumerated() {
                buffers.logits.withSpan(row) { logits in
                    sink(wish.origin, logits)
                    for sibling in wish.siblings { sink(.next(sibling), logits) }
                }
            }
        }
    }
}

@available(*, unavailable) extension DecodeEngine: Sendable {}
