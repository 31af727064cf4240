import Decoding
import Generation
import KVCaching

/// A block without keys and values: the tokens whose entries it would have.
final class FakeBlock {
    var tokens: [TokenID]
    private let charge: ArenaCharge

    init(tokens: [TokenID], charge: ArenaCharge) {
        (self.tokens, self.charge) = (tokens, charge)
    }
}

/// Mistakes of an engine or of who uses it; the simulation of prefixes must find each.
enum PrefixMutation: CaseIterable, Sendable {
    /// Others read something else than what was written.
    case changesSharedTokens
    /// A block that was dropped keeps its memory.
    case keepsForgottenBlocks
    /// A block of another prompt is read.
    case findsAnotherBlock
    /// What is taken over does not free what it stands for.
    case holdsBoth
}

/// Shared blocks. What a sequence reads of them is what they hold, whatever its prompt says.
extension FakeEngine {
    func begin(_ state: inout State, _ prefix: SequencePrefix) {
        let (plan, size) = (state.admission.plan, prefix.blockTokens)
        let bytes = PrefixBlock.byteCount(slots: size, plan: plan)
        var whole = prefix.whole.map { block($0) }
        if prefixMutation == .findsAnotherBlock, !whole.isEmpty,
            let other = blocks.min(by: { $0.key.rawValue < $1.key.rawValue })?.value
        {
            whole[0] = other
        }
        (state.row, state.firstRow) = (prefix.tokens, prefix.tokens)
        state.tokens.replaceSubrange(0..<prefix.tokens, with: whole.flatMap(\.tokens))
        guard plan.readsBlocks else {
            if plan.scoresPrompt && !whole.isEmpty { complain("\(state.admission.id) did not score \(prefix)") }
            return state.copied = whole
        }
        state.blockBytes = bytes
        let own = (0..<prefix.own).map { number in
            let first = (whole.count + number) * size
            return FakeBlock(
                tokens: Array(state.tokens[first..<first + size]), charge: record.arena.charge(byteCount: bytes))
        }
        state.blocks = whole + own
    }

    func prefixKind(of plan: CachePlan) -> PrefixKind { PrefixKind(plan) }

    func share(_ sequence: SequenceID, block number: Int, of blockTokens: Int, as block: PrefixBlockID) {
        guard let state = sequences[sequence], blocks[block] == nil else {
            return complain("\(block) of \(sequence) is shared twice or too late")
        }
        let isRead = state.isDecoding || (state.layer == 0 && state.row >= (number + 1) * blockTokens)
        let isWhole = state.admission.plan.passesByRows && state.tokens.count >= (number + 1) * blockTokens
        if !isRead || !isWhole { complain("\(block) of \(sequence) is not whole") }
        if number < state.blocks.count {
            blocks[block] = state.blocks[number]
            if prefixMutation == .changesSharedTokens { blocks[block]?.tokens[0] = 1 }
            return
        }
        if state.admission.plan.readsBlocks { complain("\(sequence) has no block \(number)") }
        let bytes = PrefixBlock.byteCount(slots: blockTokens, plan: state.admission.plan)
        blocks[block] = FakeBlock(
            tokens: Array(state.tokens[number * blockTokens..<(number + 1) * blockTokens]),
            charge: record.arena.charge(byteCount: bytes))
    }

    func adopt(_ sequence: SequenceID, _ shared: [PrefixBlockID]) {
        guard var state = sequences[sequence] else { return complain("\(sequence) adopts and is not there") }
        for (number, id) in shared.enumerated() {
            let block = block(id)
            if !state.isDecoding {
                let first = number * block.tokens.count
                state.tokens.replaceSubrange(first..<first + block.tokens.count, with: block.tokens)
                state.row = max(state.row, first + block.tokens.count)
            }
            if prefixMutation == .holdsBoth { forgotten.append(state.blocks[number]) }
            state.blocks[number] = block
        }
        sequences[sequence] = state
    }

    func forget(_ block: PrefixBlockID) {
        guard let gone = blocks.removeValue(forKey: block) else { return complain("\(block) is forgotten twice") }
        if prefixMutation == .keepsForgottenBlocks { forgotten.append(gone) }
    }

    private func block(_ id: PrefixBlockID) -> FakeBlock {
        guard let block = blocks[id] else { preconditionFailure("\(id) is not there") }
        return block
    }
}
