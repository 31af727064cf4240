public import Decoding
public import Generation

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

    /// Frees everything of an admitted sequence.
    func release(_ sequence: SequenceID)
}
