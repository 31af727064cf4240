public import Generation
public import Kernels
public import KVCaching

/// Model, caches and scratch of the engine thread. Made there, used there, dies there.
///
/// A step takes decode rows of many sequences and pieces of prompts through the layers together. A prompt of which
/// something is evicted is layer-major (ARCHITECTURE 3.3): its rows wait between layers in the sequence's residual
/// stream. The rows of other prompts pass all layers within a step. A sequence's logits depend on its own tokens, plan
/// and seed only: not on the batch, the pieces or the number of threads.
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
    let arena: KVArena
    let compute: Compute
    let attention: LaneAttention
    let buffers: StepBuffers
    /// Residual stream of the decode rows, [maxSequences, hidden].
    private let decodeResidual: ActivationRows
    /// Residual stream of prompt rows that pass all layers in this step, [maxRows, hidden].
    private let promptResidual: ActivationRows
    var sequences: [SequenceID: SequenceState] = [:]
    var prefixBlocks: [PrefixBlockID: PrefixBlock] = [:]
    private let layers: [TransformerLayer]
    private let output: [Compute.Product]
    private let finalNorm: Compute.NormKind
    // Of the step under way; kept so that a step allocates nothing.
    private var spans: [RowSpan] = []
    private var jobs: [AttentionJob] = []
    private var kept: [Int] = []
    private var wanted: [WantedLogits] = []

    public init(model: DecoderModel, arena: KVArena, limits: Limits, kernels: KernelTable = .best) throws {
        self.model = model
        self.arena = arena
        compute = try Compute(threadCount: limits.threads, table: kernels)
        let attention = LaneAttention(
            compute: compute, shape: model.configuration.cacheShape, layers: model.configuration.attentionLayers(),
            timesPolicy: limits.timesPolicy)
        let buffers = StepBuffers(model.configuration, rows: limits.maxRows, logitRows: min(16, limits.maxRows))
        (self.attention, self.buffers) = (attention, buffers)
        layers = model.weights.layers.indices.map { [compute] index in
            TransformerLayer(index, of: model, compute: compute, attention: attention, buffers: buffers)
        }
        let output = model.weights.output
        self.output = [Compute.Product(output.weight, bias: output.bias, output: buffers.logits)]
        finalNorm = Compute.NormKind(model.configuration.normalization)
        decodeResidual = ActivationRows(rowCapacity: limits.maxSequences, columns: model.configuration.hiddenSize)
        promptResidual = ActivationRows(rowCapacity: limits.maxRows, columns: model.configuration.hiddenSize)
    }

    /// Takes a sequence and its siblings in and their caches from the arena.
    public func admit(_ admission: SequenceAdmission) {
        precondition(sequences[admission.id] == nil, "\(admission.id) was admitted before")
        attention.reserve(for: admission.plan, scorers: 1 + admission.siblings.count)
        let cache =
            admission.continued.map { takeOver($0, plan: admission.plan) }
            ?? SequenceCache(plan: admission.plan, prefix: admission.prefix.map { cachePrefix($0) }, arena: arena)
        let leader = SequenceState(admission, cache: cache, arena: arena)
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

    func state(_ id: SequenceID) -> SequenceState {
        guard let state = sequences[id] else { preconditionFailure("\(id) is not in the engine") }
        return state
    }

    /// Computes a batch. `sink` gets the decode rows' logits in batch order, then those of the prompt pieces in batch
    /// order, a prompt's last row once for each sibling too; the span is valid during the call only. A piece that takes
    /// more rows through all layers than fit a step runs as if in several steps.
    public func run(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        compute.isInStep = true
        defer { compute.isInStep = false }
        if passesAtOnce(batch) {
            runAtOnce(batch, sink: sink)
        } else {
            for pass in passes(of: batch) {
                if passesAtOnce(pass) { runAtOnce(pass, sink: sink) } else { runInGroups(pass, sink: sink) }
            }
        }
        for piece in batch.prefill where endsPrompt(piece) { state(piece.sequence).promptFinished() }
        // Nobody's cache lives longer for it.
        jobs.removeAll(keepingCapacity: true)
        spans.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
    }

    /// Whether all rows pass all layers together: then they stay where they are from the first to the last.
    private func passesAtOnce(_ batch: StepBatch) -> Bool {
        var rows = batch.decode.count
        for piece in batch.prefill {
            let state = state(piece.sequence)
            guard piece.layers == 0..<layers.count, state.passesByRows || piece.rows == state.rows else {
                return false
            }
            rows += piece.rows.count
        }
        return rows <= buffers.rows
    }

    private func finishDecoding(_ batch: StepBatch) {
        for row in batch.decode { state(row.sequence).cache.stepFinished() }
    }

    // MARK: All rows at once

    private func runAtOnce(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        jobs.removeAll(keepingCapacity: true)
        kept.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
        var row = 0
        for decoded in batch.decode {
            let cache = state(decoded.sequence).cache
            embed(decoded.token, position: learnedPosition(of: cache), into: buffers.hidden, row: row)
            jobs.append(AttentionJob(cache: cache, firstRow: row, promptRows: nil))
            want(row: row, of: .next(decoded.sequence))
            row += 1
        }
        for piece in batch.prefill {
            let state = state(piece.sequence)
            jobs.append(AttentionJob(cache: state.cache, firstRow: row, promptRows: piece.rows))
            let last = state.prompt.count - 1
            for position in piece.rows {
                embed(
                    state.prompt[position], position: state.firstLearnedPosition + position, into: buffers.hidden,
                    row: row)
                if position == last {
                    want(row: row, of: .next(piece.sequence), siblings: state.siblings)
                } else if state.promptLogits {
                    want(row: row, of: .prompt(piece.sequence, row: position))
                }
                row += 1
            }
            for layer in layers.indices { state.completed(layer: layer, rows: piece.rows) }
        }
        for layer in layers {
            let isLast = layer.index == layers.count - 1 && kept.count < row
            layer.run(rows: row, jobs: jobs, addsProjected: layer.index > 0, keeping: isLast ? kept : nil)
        }
        finishDecoding(batch)
        emit(adding: buffers.projected, sink: sink)
    }

    /// The row's logits are wanted; rows come in rising order.
    private func want(row: Int, of origin: LogitsOrigin, siblings: [SequenceID] = []) {
        kept.append(row)
        wanted.append(WantedLogits(residual: buffers.hidden, row: wanted.count, origin: origin, siblings: siblings))
    }

    // MARK: Groups of rows

    private func runInGroups(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        for (index, row) in batch.decode.enumerated() {
            let cache = state(row.sequence).cache
            embed(row.token, position: learnedPosition(of: cache), into: decodeResidual, row: index)
        }
        for layer in layers {
            spans.removeAll(keepingCapacity: true)
            for (index, row) in batch.decode.enumerated() {
                spans.append(RowSpan(sequence: state(row.sequence), promptRows: nil, residualRow: index))
            }
            for (piece, row) in zip(batch.prefill, residualRows(of: batch)) where piece.layers.contains(layer.index) {
                let span = RowSpan(sequence: state(piece.sequence), promptRows: piece.rows, residualRow: row)
                if layer.index == 0 { embedPrompt(span) }
                spans.append(span)
                span.sequence.completed(layer: layer.index, rows: piece.rows)
            }
            for group in RowGroups.cut(spans, capacity: buffers.rows) { run(group, layer) }
        }
        finishDecoding(batch)
        collectWantedLogits(of: batch)
        var start = 0
        while start < wanted.count {
            let count = min(buffers.logits.rowCapacity, wanted.count - start)
            for index in 0..<count {
                let wish = wanted[start + index]
                compute.copyRows(
                    wish.residual, rows: wish.row..<wish.row + 1, to: buffers.hidden, targetRow: index)
            }
            emitGroup(start..<start + count, firstRow: 0, adding: nil, sink: sink)
            start += count
        }
    }

    /// Gathers the group's residual rows, runs the layer and scatters those back that somebody will read.
    private func run(_ group: [RowSpan], _ layer: TransformerLayer) {
        jobs.removeAll(keepingCapacity: true)
        kept.removeAll(keepingCapacity: true)
        var row = 0
        for span in group {
            let (source, rows) = residual(of: span)
            compute.copyRows(source, rows: rows, to: buffers.hidden, targetRow: row)
            jobs.append(AttentionJob(cache: span.sequence.cache, firstRow: row, promptRows: span.promptRows))
            for wanted in wantedRows(of: span, after: layer) { kept.append(row + wanted) }
            row += span.count
        }
        layer.run(rows: row, jobs: jobs, addsProjected: false, keeping: kept.count < row ? kept : nil)
        layer.finish(rows: kept.count)
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
        guard let rows = span.promptRows, layer.index == layers.count - 1, !span.sequence.promptLogits
        else { return 0..<span.count }
        return rows.upperBound == span.sequence.prompt.count ? rows.count - 1..<rows.count : 0..<0
    }

    private func residual(of span: RowSpan) -> (rows: ActivationRows, range: Range<Int>) {
        let range = span.residualRow..<span.residualRow + span.count
        return (span.promptRows == nil ? decodeResidual : promptResidual(of: span.sequence), range)
    }

    /// Where rows of the sequence's prompt wait between layers.
    private func promptResidual(of sequence: SequenceState) -> ActivationRows {
        if sequence.passesByRows { return promptResidual }
        guard let residual = sequence.residual else { preconditionFailure("prompt rows after the prompt ended") }
        return residual
    }

    /// Where the first row of each prompt piece stands in its residual stream.
    private func residualRows(of batch: StepBatch) -> [Int] {
        var next = 0
        return batch.prefill.map { piece in
            guard state(piece.sequence).passesByRows else { return piece.rows.lowerBound }
            defer { next += piece.rows.count }
            return next
        }
    }

    // MARK: Embedding

    private func embedPrompt(_ span: RowSpan) {
        let (target, rows) = residual(of: span)
        for (row, position) in zip(rows, span.promptRows ?? 0..<0) {
            embed(
                span.sequence.prompt[position], position: span.sequence.firstLearnedPosition + position, into: target,
                row: row)
        }
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
        var origin: LogitsOrigin
        /// Sequences that get the same logits.
        var siblings: [SequenceID] = []
    }

    private func endsPrompt(_ piece: PrefillPiece) -> Bool {
        piece.layers.upperBound == model.configuration.layerCount
            && piece.rows.upperBound == state(piece.sequence).prompt.count
    }

    /// Rows of all sequences, in the order of `run`.
    private func collectWantedLogits(of batch: StepBatch) {
        wanted.removeAll(keepingCapacity: true)
        for (row, decoded) in batch.decode.enumerated() {
            wanted.append(WantedLogits(residual: decodeResidual, row: row, origin: .next(decoded.sequence)))
        }
        for (piece, residualRow) in zip(batch.prefill, residualRows(of: batch))
        where piece.layers.upperBound == layers.count {
            let state = state(piece.sequence)
            let residual = promptResidual(of: state)
            let last = state.prompt.count - 1
            for row in piece.rows where row == last || state.promptLogits {
                var wish = WantedLogits(
                    residual: residual, row: residualRow + row - piece.rows.lowerBound,
                    origin: .prompt(piece.sequence, row: row))
                if row == last {
                    wish.origin = .next(piece.sequence)
                    wish.siblings = state.siblings
                }
                wanted.append(wish)
            }
        }
    }

    /// Rows of different sequences go through the output matrix together, which is read once for all of them. The rows
    /// are the first ones of `hidden`, in the order of `wanted`.
    private func emit(adding addend: ActivationRows, sink: (LogitsOrigin, Span<Float>) -> Void) {
        var start = 0
        while start < wanted.count {
            let end = min(start + buffers.logits.rowCapacity, wanted.count)
            emitGroup(start..<end, firstRow: start, adding: addend, sink: sink)
            start = end
        }
    }

    private func emitGroup(
        _ group: Range<Int>, firstRow: Int, adding addend: ActivationRows?,
        sink: (LogitsOrigin, Span<Float>) -> Void
    ) {
        let rows = firstRow..<firstRow + group.count
        let norm = model.weights.finalNorm
        compute.normalize(
            buffers.hidden, adding: addend, rows: rows, kind: finalNorm, weight: norm.weight, bias: norm.bias,
            output: buffers.normed, for: output)
        compute.multiply(output, input: buffers.normed, inputRows: rows, outputRow: 0, isQuantised: true)
        if let cap = model.configuration.finalSoftCap {
            compute.softCap(buffers.logits, rows: 0..<group.count, cap: cap)
        }
        for index in group {
            let wish = wanted[index]
            buffers.logits.withSpan(index - group.lowerBound) { logits in
                sink(wish.origin, logits)
                for sibling in wish.siblings { sink(.next(sibling), logits) }
            }
        }
    }
}

@available(*, unavailable) extension DecodeEngine: Sendable {}
