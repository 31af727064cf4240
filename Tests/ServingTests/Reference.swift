import Generation
import Sampling
import Tokenization

/// What a request must give, computed the plain way: one sequence alone, the whole text decoded anew after every token.
struct Reference: Equatable {
    var text = ""
    var tokens: [TokenID] = []
    var logprobs: [TokenLogprobs] = []
    var reason = FinishReason.length
    var stopReason: String?

    init(_ request: GenerationRequest, choice: Int, maxNewTokens: Int, model: FakeModel, tokenizer: Tokenizer) {
        let stop = request.stop
        let workspace = SamplingWorkspace()
        var sampler = Sampler(parameters: request.sampling, prompt: request.prompt, choice: choice)
        let eos = stop.ignoreEOS ? [] : tokenizer.eosTokens
        var unsearched = 0
        while tokens.count < maxNewTokens {
            let isEarly = tokens.count < stop.minTokens
            let logits = model.logits(after: request.prompt + tokens, promptCount: request.prompt.count)
            let token = sampler.sample(
                logits: logits.span, workspace: workspace,
                bannedTokens: isEarly ? eos.union(stop.stopTokens) : [])
            logprobs.append(
                Logprobs.report(
                    logits: logits.span, chosen: token, top: request.logprobs ?? 0, workspace: workspace))
            tokens.append(token)
            if isEarly {
                unsearched = streamed(tokens, request, tokenizer).utf8.count
            } else if stop.stopTokens.contains(token) || eos.contains(token) {
                reason = .stop
                stopReason = stop.stopTokens.contains(token) ? "\(token)" : nil
                text = whole(stop.includeStopString ? tokens : tokens.dropLast(), request, tokenizer)
                if let cut = cut(text, from: unsearched, stop) { text = cut.text }
                return
            } else if let cut = cut(streamed(tokens, request, tokenizer), from: unsearched, stop) {
                (text, reason, stopReason) = (cut.text, .stop, cut.stop)
                return
            }
        }
        text = whole(tokens, request, tokenizer)
        if tokens.count > stop.minTokens, let cut = cut(text, from: unsearched, stop) {
            (text, reason, stopReason) = (cut.text, .stop, cut.stop)
        }
    }

    /// Text up to the last whole character.
    private func streamed(_ tokens: [TokenID], _ request: GenerationRequest, _ tokenizer: Tokenizer) -> String {
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: request.skipSpecialTokens)
        return tokens.map { detokenizer.append($0) }.joined()
    }

    private func whole(
        _ tokens: some Sequence<TokenID>, _ request: GenerationRequest, _ tokenizer: Tokenizer
    ) -> String {
        tokenizer.decode(Array(tokens), skipSpecial: request.skipSpecialTokens)
    }

    /// `text` cut at the stop string that ends first, the longest of several, looking from byte `start` on.
    private func cut(_ text: String, from start: Int, _ stop: StopConditions) -> (text: String, stop: String)? {
        let bytes = Array(text.utf8)
        let stops = stop.stopStrings.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
        guard start < bytes.count else { return nil }
        for end in (start + 1)...bytes.count {
            for candidate in stops {
                let length = candidate.utf8.count
                guard end - length >= start, bytes[(end - length)..<end].elementsEqual(candidate.utf8) else { continue }
                let kept = stop.includeStopString ? end : end - length
                return (String(decoding: bytes[..<kept], as: UTF8.self), candidate)
            }
        }
        return nil
    }
}
