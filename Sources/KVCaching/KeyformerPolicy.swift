/// Keyformer (Adnan et al., arXiv 2403.09054, Algorithm 1): the score is a second softmax over the logits with Gumbel
/// noise added and a temperature tau that rises while decoding, accumulated over queries and the heads of the group.
/// The noise never touches the layer's output.
public struct KeyformerPolicy: ScoredPolicy {
    /// When noise is drawn. A request that does not say gets `fixed`, which keeps more facts than `per_query` on the
    /// built-in model and costs less (DocC: "What a budget costs").
    public enum Noise: String, Sendable, CaseIterable {
        /// One draw per (layer, query head, position): the letter of Algorithm 1.
        case fixed
        /// One draw per (layer, query head, position, query): what the published code does.
        case perQuery = "per_query"
        /// No noise: with tau 1 the score is H2O's.
        case none
    }

    public var selection: ScoredSelection
    public let noise: Noise
    public let seed: UInt64
    public let tauInit: Double
    public let tauEnd: Double

    public init(selection: ScoredSelection, noise: Noise, seed: UInt64, tauInit: Double, tauEnd: Double) {
        self.selection = selection
        self.noise = noise
        self.seed = seed
        self.tauInit = tauInit
        self.tauEnd = tauEnd
    }

    public var tap: AttentionTap { .logits }

    public var noisySoftmax: NoisySoftmax? {
        NoisySoftmax(noise: noise, seed: seed, tauInit: tauInit, tauEnd: tauEnd)
    }
}
