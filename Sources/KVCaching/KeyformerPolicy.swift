public import Kernels

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

    public var fixedNoiseSeed: UInt64? { noise == .fixed ? seed : nil }

    /// Temperature of forward call t of T planned tokens: tau_init + t (tau_end - tau_init) / T.
    func tau(call: Int, plannedTokens: Int) -> Double {
        tauInit + Double(call) * (tauEnd - tauInit) / Double(max(1, plannedTokens))
    }

    public func score(_ row: borrowing ObservedRow, kernels: KernelTable) {
        let context = row.context
        let inverseTau = Float(1 / tau(call: context.call, plannedTokens: context.plannedTokens))
        drawNoise(row, kernels: kernels)
        unsafe row.increments.update(repeating: 0, count: row.count)
        unsafe kernels.keyformerScore(
            count: row.count, inverseTau: inverseTau, logits: row.values, noise: noise == .none ? nil : row.noise,
            scratch: row.scratch, score: row.increments)
    }

    /// Fills `row.noise`: per query every time, fixed noise once for all rows of a pass.
    private func drawNoise(_ row: borrowing ObservedRow, kernels: KernelTable) {
        let count: Int
        let tag: UInt64
        switch noise {
        case .none: return
        case .fixed:
            guard row.isPassStart else { return }
            if let drawn = unsafe row.noiseByPosition {
                for index in 0..<row.passCount {
                    unsafe row.noise[index] = unsafe drawn[Int(row.positions[index])]
                }
                return
            }
            (count, tag) = (row.passCount, 0)
        case .perQuery:
            (count, tag) = (row.count, UInt64(1 + row.context.queryPosition))
        }
        let prefix = GumbelNoise.prefix(seed: seed, layer: row.context.layer, head: row.context.queryHead)
        unsafe kernels.gumbel(count: count, prefix: prefix, positions: row.positions, queryTag: tag, noise: row.noise)
    }
}
