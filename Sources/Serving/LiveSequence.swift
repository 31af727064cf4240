internal import Generation
internal import KVCaching
internal import Sampling
internal import Tokenization

/// One sequence from its acceptance to its end: sampler, text, counts and times. Lives on the engine thread.
///
/// How it ends by itself, as in vLLM: an EOS token (unless `ignore_eos`) or a stop token ends it with `stop`; that
/// token is counted and reported, and is text only with `includeStopString`. A stop string ends it with `stop`, also on
/// the last allowed token; else that token ends it with `length`. Before `min_tokens` EOS and stop tokens cannot be
/// picked, and text is not searched for stop strings.
final class LiveSequence {
    /// A token picked from a step's logits that has not been taken in yet.
    struct Picked {
        let token: TokenID
        let logprobs: TokenLogprobs?
    }

    /// How a sequence ended.
    struct Ending {
        let reason: FinishReason
        /// The stop string or token id that ended it.
        var stopReason: String?
    }

    let planned: PlannedSequence
    let request: LiveRequest
    var times: SequenceTimes
    /// Rows of the prompt that others had read, and bytes of the cache that it shares instead of reserving them.
    var found = (rows: 0, bytes: 0)
    /// Completion tokens so far.
    private(set) var generated = 0
    /// The tokens so far, where a session keeps them.
    private(set) var output: [TokenID] = []
    /// The token that the next decode row feeds.
    private(set) var lastToken: TokenID?
    /// The token of the step that is being computed.
    private var picked: Picked?
    private var sampler: Sampler
    private var text: TextAssembler
    private let eosTokens: Set<TokenID>
    /// Not to be picked before `min_tokens`.
    private let banned: Set<TokenID>
    /// `promptLogprobs[i]` belongs to prompt token i; the first has none.
    private var promptLogprobs: [TokenLogprobs?] = []

    init(_ planned: PlannedSequence, of request: LiveRequest, tokenizer: Tokenizer, submitted: Duration) {
        let wanted = planned.request
        self.planned = planned
        self.request = request
        times = SequenceTimes(submitted: submitted)
        sampler = Sampler(parameters: wanted.sampling, prompt: wanted.prompt, choice: planned.choice)
        text = TextAssembler(request: wanted, tokenizer: tokenizer)
        eosTokens = wanted.stop.ignoreEOS ? [] : tokenizer.eosTokens
        banned = wanted.stop.minTokens > 0 ? eosTokens.union(wanted.stop.stopTokens) : []
    }

    var id: SequenceID { planned.id }
    var isStarted: Bool { times.started != nil }
    var isPromptDone: Bool { times.promptDone != nil }

    /// The sequence has its bytes: memory that a waiting one does not need is made now.
    func start(at time: Duration) {
        times.started = time
        let wanted = planned.request
        if wanted.promptLogprobs { promptLogprobs = Array(repeating: nil, count: wanted.prompt.count) }
    }

    // MARK: Logits

    /// Picks the next token. With `max_tokens` 0 there is none to pick.
    func pick(from logits: Span<Float>, workspace: SamplingWorkspace) {
        guard generated < planned.maxNewTokens else { return }
        let isEarly = generated < planned.request.stop.minTokens
        let token = sampler.sample(logits: logits, workspace: workspace, bannedTokens: isEarly ? banned : [])
        let logprobs = planned.request.logprobs.map { top in
            Logprobs.report(logits: logits, chosen: token, top: top, workspace: workspace)
        }
        picked = Picked(token: token, logprobs: logprobs)
    }

    /// Scores the prompt token after `row`.
    func score(promptRow row: Int, from logits: Span<Float>, workspace: SamplingWorkspace) {
        let prompt = planned.request.prompt
        guard promptLogprobs.indices.contains(row + 1) else { return }
        promptLogprobs[row + 1] = Logprobs.report(
            logits: logits, chosen: prompt[row + 1], top: planned.request.logprobs ?? 0, workspace: workspace)
    }

    // MARK: Tokens

    /// The prompt with its logprobs, if asked for; the memory for them is given back.
    func takeScoredPrompt(tokenizer: Tokenizer) -> [ReportedToken]? {
        guard planned.request.promptLogprobs else { return nil }
        defer { promptLogprobs = [] }
        return zip(planned.request.prompt, promptLogprobs).enumerated().map { index, scored in
            ReportedToken(
                token: scored.0, bytes: tokenizer.bytes(of: scored.0),
                logprobs: index == 0 ? TokenLogprobs(chosen: nil, top: []) : scored.1)
        }
    }

    /// Takes in the token picked in this step: the text it releases and, if it is the last one, how the sequence ends.
    /// nil if the step gave no logits for this sequence.
    func takePicked() -> (chunk: TextAssembler.Chunk, ending: Ending?)? {
        guard let picked else { return nil }
        self.picked = nil
        generated += 1
        lastToken = picked.token
        if planned.turn != nil { output.append(picked.token) }
        let stop = planned.request.stop
        let mayStop = generated > stop.minTokens
        if mayStop, let ending = ending(of: picked.token) {
            var chunk = TextAssembler.Chunk()
            if stop.includeStopString {
                chunk = text.append(picked.token, logprobs: picked.logprobs, mayStop: false)
            } else {
                text.appendSilent(picked.token, logprobs: picked.logprobs)
            }
            return (flush(after: chunk), ending)
        }
        let chunk = text.append(picked.token, logprobs: picked.logprobs, mayStop: mayStop)
        if let matched = chunk.matchedStop { return (chunk, Ending(reason: .stop, stopReason: matched)) }
        guard generated == planned.maxNewTokens else { return (chunk, nil) }
        let last = flush(after: chunk)
        if let matched = last.matchedStop { return (last, Ending(reason: .stop, stopReason: matched)) }
        return (last, Ending(reason: .length))
    }

    /// What is still held back, for a sequence that ends from outside.
    func flush() -> TextAssembler.Chunk {
        flush(after: TextAssembler.Chunk())
    }

    private func flush(after chunk: TextAssembler.Chunk) -> TextAssembler.Chunk {
        let rest = text.finish(mayStop: generated > planned.request.stop.minTokens)
        return TextAssembler.Chunk(
            text: chunk.text + rest.text, tokens: chunk.tokens + rest.tokens, matchedStop: rest.matchedStop)
    }

    private func ending(of token: TokenID) -> Ending? {
        if planned.request.stop.stopTokens.contains(token) { return Ending(reason: .stop, stopReason: "\(token)") }
        return eosTokens.contains(token) ? Ending(reason: .stop) : nil
    }

    // MARK: Usage

    /// The cost of the sequence so far. `cache` is nil for one that never started.
    func usage(cache: KVCacheUsage?, until end: Duration) -> GenerationUsage {
        let plan = planned.plan
        let empty = KVCacheUsage(
            policy: plan.policyName, budgetTokens: plan.budgetSlots, budgetBytes: plan.budgetBytes,
            promptTokensRetained: 0, peakTokens: 0, peakBytes: 0, evictedTokens: 0)
        var held = cache ?? empty
        held.isShrunk = planned.isShrunk
        return GenerationUsage(
            promptTokens: planned.request.prompt.count, cachedTokens: cachedTokens, completionTokens: generated,
            cache: held,
            queueSeconds: times.queueSeconds(until: end), prefillSeconds: times.prefillSeconds(until: end),
            decodeSeconds: times.decodeSeconds(until: end),
            byteSeconds: times.byteSeconds(
                startBytes: planned.startBytes - found.bytes, steadyBytes: plan.steadyBytes - found.bytes, until: end))
    }

    /// Tokens of the prompt that were not read for this sequence.
    var cachedTokens: Int { planned.cachedTokens + found.rows }
}
