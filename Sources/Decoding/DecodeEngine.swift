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
            compute: compute, shape: model.configuration.cacheShape, encoding: model.configuration.positionEncoding)
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
        let decoding = batch.decode.map { state($0.sequence) }
        for (index, row) in batch.decode.enumerated() {
            embed(row.token, position: learnedPosition(of: decoding[index].cache), into: decodeResidual, row: index)
        }
        for index in 0..<model.configuration.layerCount {
            runLayer(index, batch: batch, decoding: decoding)
        }
        for state in decoding { state.cache.stepFinished() }
        emitDecoded(batch, sink: sink)
        for piece in batch.prefill where piece.layers.upperBound == model.configuration.layerCount {
            emitPrompt(piece, sink: sink)
        }
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

    /// Gathers the group's residual rows, runs the layer and scatters them back.
    private func run(_ group: [RowSpan], _ layer: TransformerLayer) {
        var jobs: [AttentionJob] = []
        var row = 0
        for span in group {
            let (source, rows) = residual(of: span)
            compute.copyRows(source, rows: rows, to: buffers.hidden, targetRow: row)
            jobs.append(AttentionJob(cache: span.sequence.cache, firstRow: row, promptRows: span.promptRows))
            row += span.count
        }
        layer.run(buffers, rows: row, jobs: jobs)
        row = 0
        for span in group {
            let (target, rows) = residual(of: span)
            compute.copyRows(buffers.hidden, rows: row..<row + span.count, to: target, targetRow: rows.lowerBound)
            row += span.count
        }
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
        if let table = model.weights.positionEmbedding {
            compute.addPositionEmbedding(table, position: position, into: rows, row: row)
        }
    }

    // MARK: Logits

    private func emitDecoded(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        emit(decodeResidual, rows: 0..<batch.decode.count) { row, logits in
            sink(.next(batch.decode[row].sequence), logits)
        }
    }

    /// Logits of a prompt's rows that have passed the last layer, and the end of the prompt with its last row.
    private func emitPrompt(_ piece: PrefillPiece, sink: (LogitsOrigin, Span<Float>) -> Void) {
        let state = state(piece.sequence)
        guard let residual = state.residual else { preconditionFailure("prompt rows after the prompt ended") }
        let last = state.prompt.count - 1
        if state.promptLogits {
            emit(residual, rows: piece.rows.lowerBound..<min(piece.rows.upperBound, last)) { row, logits in
                sink(.prompt(piece.sequence, row: row), logits)
            }
        }
        guard piece.rows.upperBound == state.prompt.count else { return }
        emit(residual, rows: last..<last + 1) { _, logits in
            sink(.next(piece.sequence), logits)
            for sibling in state.siblings { sink(.next(sibling), logits) }
        }
        state.promptFinished()
    }

    private func emit(_ residual: ActivationRows, rows: Range<Int>, sink: (Int, Span<Float>) -> Void) {
        let capacity = buffers.logits.rowCapacity
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: capacity) {
            let count = min(capacity, rows.upperBound - start)
            compute.copyRows(residual, rows: start..<start + count, to: buffers.hidden, targetRow: 0)
            compute.normalize(
                model.weights.finalNorm, model.configuration.normalization, buffers.hidden, rows: 0..<count,
                into: buffers.normed)
            compute.multiply(
                model.weights.output.weight, bias: model.weights.output.bias, input: buffers.normed,
                inputRows: 0..<count,
                output: buffers.logits, outputRow: 0)
            for row in 0..<count { buffers.logits.withSpan(row) { sink(start + row, $0) } }
        }
    }
}

@available(*, unavailable) extension DecodeEngine: Sendable {}
