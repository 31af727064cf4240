internal import Decoding
internal import Generation
internal import KVCaching
internal import Scheduling

/// What a running sequence has to do with blocks.
struct PrefixUse {
    /// How its cache has the tokens of blocks.
    enum Manner {
        /// It reads them where they are and gives its own to others.
        case reads
        /// It has a copy of them, because it may drop or move entries.
        case copies
    }

    let manner: Manner
    let scope: PrefixScope
    let tenant: Tenant
    let prompt: [TokenID]
    /// Bytes of a block.
    let byteCount: Int
    /// Blocks that it may find: one row of the prompt is always read.
    let mostFound: Int
    /// Blocks of its prompt that others may find; 0 where its entries do not stand still long enough.
    let mostGiven: Int
    /// The blocks with which its prompt begins, as far as it uses them.
    var nodes: [PrefixNode] = []
    /// Rows of the prompt that were read, by it or before.
    var row = 0
    /// Rows that it has not read itself.
    var foundRows = 0
    /// Bytes that it never reserved, because others had them.
    var foundBytes = 0
    /// The index as it was when nothing was found for this sequence.
    var searched: UInt64?

    init?(_ planned: PlannedSequence, tenant: Tenant, kind: PrefixKind, blockTokens: Int) {
        let plan = planned.plan
        // Only whole prompts: a turn's entries follow those of the turns before.
        guard plan.startTokens == 0, planned.turn?.continued == nil, plan.promptTokens >= blockTokens else {
            return nil
        }
        self.tenant = tenant
        scope = PrefixScope(tenant: tenant.id, salt: planned.request.cacheSalt, kind: kind)
        prompt = planned.promptRows
        manner = plan.readsBlocks ? .reads : .copies
        byteCount = PrefixBlock.byteCount(slots: blockTokens, plan: plan)
        // Scores and logits of the prompt come from its rows.
        let needsRows = plan.scoresPrompt || planned.request.promptLogprobs
        mostFound = needsRows ? 0 : (prompt.count - 1) / blockTokens
        mostGiven = plan.passesByRows ? prompt.count / blockTokens : 0
    }

    /// What the engine is told.
    func prefix(blockTokens: Int) -> SequencePrefix {
        SequencePrefix(
            blockTokens: blockTokens, whole: nodes.map(\.id), own: manner == .reads ? mostGiven - nodes.count : 0)
    }
}
