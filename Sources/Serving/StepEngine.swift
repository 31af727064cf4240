public import Decoding
public import Generation
public import KVCaching

/// What computes a step: the decode engine, or a fake one in tests. Used by the engine thread alone; nothing here can
/// fail, because the bytes of an admitted sequence are reserved before.
public protocol StepEngine: AnyObject, SendableMetatype {
    /// Makes the sequence's cache. Its prompt comes in the prefill pieces of the next steps.
    func admit(_ admission: SequenceAdmission)

    /// Computes the batch and hands out each row of logits that it asks for, valid only during the call of `sink`:
    /// one `.next` per decode row and per finished prompt, and one `.prompt` per other prompt row that wants logprobs.
    func run(_ batch: StepBatch, sink: (LogitsOrigin, Span<Float>) -> Void)

    /// What the cache of an admitted sequence held so far.
    func usage(of sequence: SequenceID) -> KVCacheUsage

    /// Frees everything of an admitted sequence, or of a kept cache.
    func release(_ sequence: SequenceID)

    /// Keeps the cache of a sequence whose prompt has finished, in as few bytes as its entries take.
    func keep(_ sequence: SequenceID) -> CacheHistory

    /// Drops entries of a kept cache that the plan's lanes have no room for.
    func shrink(_ sequence: SequenceID, to plan: CachePlan) -> CacheHistory

    /// Copies a kept cache.
    func fork(_ sequence: SequenceID, as copy: SequenceID)

    /// What a cache of the plan must have in common with those whose blocks it reads.
    func prefixKind(of plan: CachePlan) -> PrefixKind

    /// Lets others read a block of the prompt of an admitted sequence that has been read as far.
    func share(_ sequence: SequenceID, block number: Int, of blockTokens: Int, as block: PrefixBlockID)

    /// Puts shared blocks in the place of the sequence's first ones.
    func adopt(_ sequence: SequenceID, _ blocks: [PrefixBlockID])

    /// Frees a shared block that no sequence uses.
    func forget(_ block: PrefixBlockID)

    /// The contents of a kept cache, which begins no turn while they are in use.
    func image(of sequence: SequenceID) -> CacheImage

    /// Makes a kept cache of an image that fits the plan.
    func restore(_ image: CacheImage, as sequence: SequenceID, plan: CachePlan) -> CacheHistory
}
