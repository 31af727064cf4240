import Decoding
import Generation
import KVCaching
import Serving
import Synchronization

/// What a fake engine saw, readable from every thread.
final class EngineRecord: Sendable {
    struct State {
        var admitted = 0
        var released = 0
        var steps = 0
        var violations: [String] = []
    }

    let arena: KVArena
    private let state = Mutex(State())

    init(poolBytes: Int) {
        arena = KVArena(capacityBytes: poolBytes)
    }

    var current: State { state.withLock { $0 } }

    func update(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
    }

    /// What a caller must fix, or nil: sequences left behind, broken orders of calls, memory not given back.
    func complaint() -> String? {
        let state = current
        if let first = state.violations.first { return first }
        if state.admitted != state.released { return "\(state.admitted) admitted, \(state.released) released" }
        return arena.usedBytes == 0 ? nil : "\(arena.usedBytes) bytes still in use"
    }
}

/// An engine without a model: checks that it is called as promised and charges the arena what the plans say.
final class FakeEngine: StepEngine {
    struct State {
        let admission: SequenceAdmission
        /// Tokens up to the prompt's end, those of turns before included.
        let promptCount: Int
        var isKept = false
        var tokens: [TokenID]
        var layer = 0
        var row = 0
        var isDecoding = false
        var charge: ArenaCharge?
        /// What stands in shared blocks, or will.
        var blocks: [FakeBlock] = []
        /// Blocks that a copy is made of while the prompt is read.
        var copied: [FakeBlock] = []
        var firstRow = 0
        var blockBytes = 0

        /// Bytes of blocks that are not in `charge`.
        var coveredBytes: Int { blocks.count * blockBytes }
    }

    private let model: FakeModel
    let record: EngineRecord
    private let layerCount: Int
    /// A mistake that a test must find.
    var mutation: SessionMutation?
    /// What images stand for: they hold no tokens.
    var imaged: [ObjectIdentifier: (image: CacheImage, tokens: [TokenID])] = [:]
    var sequences: [SequenceID: State] = [:]
    var blocks: [PrefixBlockID: FakeBlock] = [:]
    var prefixMutation: PrefixMutation?
    /// Blocks that a mutation does not give back.
    var forgotten: [FakeBlock] = []
    /// Runs at the start of every step, on the engine thread.
    private let onStep: (StepBatch) -> Void

    init(
        model: FakeModel, record: EngineRecord, layerCount: Int, onStep: @escaping (StepBatch) -> Void = { _ in }
    ) {
        self.model = model
        self.record = record
        self.layerCount = layerCount
        self.onStep = onStep
    }

    func admit(_ admission: SequenceAdmission) {
        if sequences[admission.id] != nil { complain("\(admission.id) is admitted twice") }
        record.update { $0.admitted += 1 }
        let bytes = max(admission.plan.peakBytes, admission.plan.steadyBytes)
        let tokens = takeOver(admission) + admission.prompt
        var state = State(admission: admission, promptCount: tokens.count, tokens: tokens)
        if let prefix = admission.prefix { begin(&state, prefix) }
        state.charge = record.arena.charge(byteCount: bytes - state.coveredBytes)
        sequences[admission.id] = state
    }

    func run(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void) {
        onStep(batch)
        record.update { $0.steps += 1 }
        var seen: Set<SequenceID> = []
        for row in batch.decode {
            if !seen.insert(row.sequence).inserted { complain("\(row.sequence) is twice in a batch") }
            decode(row, sink)
        }
        for piece in batch.prefill {
            if !seen.insert(piece.sequence).inserted { complain("\(piece.sequence) is twice in a batch") }
            prefill(piece, sink)
        }
    }

    private func decode(_ row: StepBatch.DecodeRow, _ sink: (LogitsOrigin, Span<Float>) -> Void) {
        guard var state = sequences[row.sequence], state.isDecoding, !state.isKept else {
            return complain("\(row.sequence) decodes before its prompt is done or after its release")
        }
        state.tokens.append(row.token)
        if state.tokens.count > state.admission.plan.fedTokens { complain("\(row.sequence) is fed too many tokens") }
        sequences[row.sequence] = state
        let logits = model.logits(after: state.tokens, promptCount: state.promptCount)
        sink(.next(row.sequence), logits.span)
    }

    private func prefill(_ piece: PrefillPiece, _ sink: (LogitsOrigin, Span<Float>) -> Void) {
        guard var state = sequences[piece.sequence], !state.isDecoding else {
            return complain("\(piece.sequence) prefills after its prompt or after its release")
        }
        let rows = state.admission.prompt.count
        if piece.layers.lowerBound != state.layer || piece.rows.lowerBound != state.row
            || (state.admission.passesByRows
                ? piece.layers != 0..<layerCount : piece.layers.count > 1 && piece.rows != state.firstRow..<rows)
        {
            complain("\(piece) comes at layer \(state.layer), row \(state.row)")
        }
        if piece.layers.upperBound == layerCount, state.admission.promptLogits {
            for row in piece.rows where row < rows - 1 {
                let seen = Array(state.admission.prompt[...row])
                sink(.prompt(piece.sequence, row: row), model.logits(after: seen, promptCount: seen.count).span)
            }
        }
        state.row = piece.rows.upperBound
        if state.row == rows {
            state.row = state.firstRow
            state.layer = piece.layers.upperBound
        }
        if state.layer == layerCount {
            state.isDecoding = true
            state.copied = []
            // Both references go before the new charge is taken: the pool may have no room for both.
            sequences[piece.sequence] = nil
            state.charge = nil
            state.charge = record.arena.charge(byteCount: state.admission.plan.steadyBytes - state.coveredBytes)
            sink(.next(piece.sequence), model.logits(after: state.tokens, promptCount: state.promptCount).span)
        }
        sequences[piece.sequence] = state
    }

    func usage(of sequence: SequenceID) -> KVCacheUsage {
        guard let state = sequences[sequence] else {
            preconditionFailure("usage of \(sequence), which is not in the engine")
        }
        let plan = state.admission.plan
        let fed = state.isDecoding ? state.tokens.count : 0
        return KVCacheUsage(
            policy: plan.policyName, budgetTokens: plan.budgetSlots, budgetBytes: plan.budgetBytes,
            promptTokensRetained: min(plan.laneSlots, plan.promptTokens), peakTokens: plan.promptTokens,
            peakBytes: plan.peakBytes, evictedTokens: max(0, fed - plan.laneSlots))
    }

    func release(_ sequence: SequenceID) {
        if sequences.removeValue(forKey: sequence) == nil { complain("\(sequence) is released twice") }
        record.update { $0.released += 1 }
    }

    func complain(_ text: String) {
        record.update { $0.violations.append(text) }
    }
}
