internal import Decoding
internal import Generation
internal import KVCaching

/// How many sequences a pool holds: the arithmetic of admission, for the banner and `inspect`.
struct Capacity: Sendable, Equatable {
    /// Tokens of prompt and answer of each sequence.
    let tokens: Int
    /// Bytes of one sequence once its prompt has been read.
    let steadyBytes: Int
    /// Bytes of one sequence while its prompt is being read.
    let peakBytes: Int
    /// Sequences that decode while one more reads its prompt.
    let sequences: Int

    /// A sequence of `tokens` tokens of which all but `newTokens` are the prompt.
    init(
        _ request: KVCacheRequest, defaults: KVCacheRequest, tokens: Int, newTokens: Int, model: LoadedModel,
        poolBytes: Int
    ) throws(KVCacheRequestError) {
        let configuration = model.decoder.configuration
        let plan = try PolicyTable.plan(
            request, defaults: defaults, promptTokens: max(1, tokens - newTokens), maxNewTokens: newTokens,
            shape: configuration.cacheShape, usesRoPE: configuration.usesRoPE)
        self.tokens = tokens
        steadyBytes = plan.steadyBytes
        peakBytes = plan.peakBytes
        let extra = plan.peakBytes - plan.steadyBytes
        sequences = plan.steadyBytes > 0 ? max(0, (poolBytes - extra) / plan.steadyBytes) : 0
    }
}
