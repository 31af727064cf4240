/// Scores of Keyformer (Adnan et al., arXiv 2403.09054, Algorithm 1): a second softmax over the logits of a row with
/// Gumbel noise added and divided by the temperature tau.
///
/// Its sums are taken as those of attention (`LaneParts`): a part of the lane has its own maximum, then the parts are
/// joined in rising order, and the heads of the group are added in rising order.
public struct NoisySoftmax: Sendable, Equatable {
    public let noise: KeyformerPolicy.Noise
    public let seed: UInt64
    public let tauInit: Double
    public let tauEnd: Double

    public init(noise: KeyformerPolicy.Noise, seed: UInt64, tauInit: Double, tauEnd: Double) {
        self.noise = noise
        self.seed = seed
        self.tauInit = tauInit
        self.tauEnd = tauEnd
    }

    /// 1 / tau with the temperature of forward call t of T planned tokens, tau_init + t (tau_end - tau_init) / T.
    func inverseTau(call: Int, plannedTokens: Int) -> Float {
        Float(1 / (tauInit + Double(call) * (tauEnd - tauInit) / Double(max(1, plannedTokens))))
    }

    /// The seed of noise that depends on seed, layer, query head and position only.
    var fixedSeed: UInt64? { noise == .fixed ? seed : nil }

    /// What draws for a query are keyed by (KEYFORMER section 4.1): 0 for noise that all queries share.
    func queryTag(position: Int) -> UInt64 { noise == .perQuery ? UInt64(1 + position) : 0 }
}
