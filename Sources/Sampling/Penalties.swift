internal import Generation

/// The tokens that penalties look at, and how they change logits.
struct Penalties: Sendable {
    private let repetition: Double
    private let frequency: Double
    private let presence: Double
    /// Where a token stands in `tokens` and `counts`.
    private var places: [TokenID: Int] = [:]
    private var tokens: [TokenID] = []
    /// How often each was generated; 0 for those of the prompt alone.
    private var counts: [Int] = []

    init(parameters: SamplingParameters, prompt: [TokenID]) {
        repetition = parameters.repetitionPenalty
        frequency = parameters.frequencyPenalty
        presence = parameters.presencePenalty
        // Only the repetition penalty looks at the prompt.
        if repetition != 1 { for token in prompt { _ = place(of: token) } }
    }

    var isActive: Bool { repetition != 1 || frequency != 0 || presence != 0 }

    /// Counts a generated token.
    mutating func record(_ token: TokenID) {
        if isActive { counts[place(of: token)] += 1 }
    }

    /// Repetition (CTRL, arXiv 1909.05858, section 4.1; prompt and output, negative logits multiplied as all current
    /// implementations do), then frequency and presence (OpenAI: output only).
    func apply(to logits: inout [Float]) {
        for place in tokens.indices {
            let index = Int(tokens[place])
            guard logits.indices.contains(index) else { continue }
            var logit = Double(logits[index])
            if repetition != 1 { logit = logit > 0 ? logit / repetition : logit * repetition }
            if counts[place] > 0 { logit -= Double(counts[place]) * frequency + presence }
            logits[index] = SamplingBuffers.safe(Float(logit))
        }
    }

    private mutating func place(of token: TokenID) -> Int {
        if let place = places[token] { return place }
        places[token] = tokens.count
        tokens.append(token)
        counts.append(0)
        return tokens.count - 1
    }
}
