public import Generation

/// Picks the tokens of one sequence. Same parameters, same choice and same logits give the same tokens, whatever else
/// is in the batch: every sum runs in a fixed order and each token uses exactly one random number.
///
/// The order of the steps is vLLM's for the logits (bias, penalties, temperature) and the one that vLLM and llama.cpp
/// share for the filters:
///
/// 1. `logit_bias` is added.
/// 2. Repetition, frequency and presence penalties.
/// 3. Banned tokens are removed; no bias brings them back.
/// 4. Temperature; 0 takes the best token here.
/// 5. `top_k`: the k best.
/// 6. `top_p`: the fewest best whose mass reaches that share of what step 5 left.
/// 7. `min_p`: those at least that probable, relative to the best.
/// 8. One draw among the rest, by their probabilities.
///
/// "Best" is the largest logit, among equals the lowest id. NaN counts as -infinity. Ids outside of the vocabulary are
/// ignored in bias, prompt and bans. If nothing has a probability, the lowest id that is not banned is taken.
public struct Sampler: Sendable {
    private let parameters: SamplingParameters
    /// In rising order of ids.
    private let bias: [(token: TokenID, value: Double)]
    private let generator: SeededGenerator
    private var penalties: Penalties
    private var sampled: UInt64 = 0

    /// A sampler at the first generated token of choice `choice`.
    public init(parameters: SamplingParameters, prompt: [TokenID], choice: Int) {
        self.parameters = parameters
        bias = parameters.logitBias.sorted { $0.key < $1.key }.map { (token: $0.key, value: $0.value) }
        generator = SeededGenerator(seed: parameters.seed, choice: choice)
        penalties = Penalties(parameters: parameters, prompt: prompt)
    }

    /// The next token for `logits` (one per vocabulary entry, at least one), recorded for the penalties.
    public mutating func sample(
        logits: Span<Float>, workspace: SamplingWorkspace, bannedTokens: Set<TokenID> = []
    ) -> TokenID {
        precondition(!logits.isEmpty, "no logits to sample from")
        let token = pick(logits, &workspace.buffers, bannedTokens)
        penalties.record(token)
        sampled += 1
        return token
    }

    private func pick(
        _ source: Span<Float>, _ buffers: inout SamplingBuffers, _ banned: Set<TokenID>
    ) -> TokenID {
        let isPlain = bias.isEmpty && !penalties.isActive && banned.isEmpty
        if isPlain && parameters.isGreedy { return LargestLogit.token(source) ?? 0 }
        buffers.load(source)
        if !isPlain { adjust(&buffers.logits, banned) }
        guard let best = LargestLogit.token(buffers.logits.span) else {
            return Self.lowestToken(vocabularySize: source.count, banned)
        }
        if parameters.isGreedy { return best }
        let uniform = generator.uniform(sampled)
        return buffers.draw(best: best, parameters: parameters, uniform: uniform)
    }

    /// Steps 1 to 3.
    private func adjust(_ logits: inout [Float], _ banned: Set<TokenID>) {
        for (token, value) in bias {
            guard logits.indices.contains(Int(token)) else { continue }
            logits[Int(token)] = SamplingBuffers.safe(Float(Double(logits[Int(token)]) + value))
        }
        if penalties.isActive { penalties.apply(to: &logits) }
        for token in banned where logits.indices.contains(Int(token)) { logits[Int(token)] = -.infinity }
    }

    private static func lowestToken(vocabularySize: Int, _ banned: Set<TokenID>) -> TokenID {
        TokenID((0..<vocabularySize).first { !banned.contains(TokenID($0)) } ?? 0)
    }
}
