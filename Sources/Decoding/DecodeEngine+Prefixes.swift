public import Generation
public import KVCaching

/// Blocks of entries that sequences share. Whoever names them knows which prompts they are of and who reads them.
extension DecodeEngine {
    /// What the blocks of a cache of this plan have in common with those that it can read.
    public func prefixKind(of plan: CachePlan) -> PrefixKind { attention.prefixKind(of: plan) }

    /// Lets others read a block of the sequence's prompt, all rows of which have been read, until `forget`. Where the
    /// sequence has its entries elsewhere the block is a copy, with bytes of its own from the arena.
    public func share(_ id: SequenceID, block number: Int, of blockTokens: Int, as block: PrefixBlockID) {
        let state = state(id)
        precondition(prefixBlocks[block] == nil, "\(block) is there")
        precondition(
            state.passesByRows && state.rowsDone >= (number + 1) * blockTokens,
            "block \(number) of \(id) is not whole: \(state.rowsDone) rows")
        prefixBlocks[block] = state.cache.block(number, of: blockTokens, arena: arena)
    }

    /// Puts blocks of the same tokens in the place of the sequence's first ones, whose memory is then free. Its prompt
    /// goes on behind them if it has not come as far.
    public func adopt(_ id: SequenceID, _ blocks: [PrefixBlockID]) {
        state(id).adopt(blocks.map { block($0) })
    }

    /// The name is free; the memory too when nobody reads the block any more.
    public func forget(_ block: PrefixBlockID) {
        precondition(prefixBlocks.removeValue(forKey: block) != nil, "\(block) is not there")
    }

    func cachePrefix(_ prefix: SequencePrefix) -> CachePrefix {
        CachePrefix(blockTokens: prefix.blockTokens, whole: prefix.whole.map { block($0) }, own: prefix.own)
    }

    private func block(_ id: PrefixBlockID) -> PrefixBlock {
        guard let block = prefixBlocks[id] else { preconditionFailure("\(id) is not there") }
        return block
    }
}
