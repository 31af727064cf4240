public import Kernels

/// The baseline that a score has to beat: sinks and recent window as the scored policies have them, and of the rest a
/// random choice.
///
/// A token's score is the sum, over the heads of the group, of one uniform number for each (seed, layer, query head,
/// position), drawn as Keyformer's noise is. So a token's rank never changes while it is held, and does not depend on
/// batching, chunking or threads.
public struct RandomPolicy: ScoredPolicy {
    public var selection: ScoredSelection
    public let seed: UInt64

    public init(selection: ScoredSelection, seed: UInt64) {
        self.selection = selection
        self.seed = seed
    }

    public var tap: AttentionTap { .probabilities }

    /// The row of a token's own query draws its score; rows of later queries add nothing.
    public func score(_ row: borrowing ObservedRow, kernels: KernelTable) {
        unsafe row.increments.update(repeating: 0, count: row.count)
        let context = row.context
        let bits = GumbelNoise.bits(
            seed: seed, layer: context.layer, head: context.queryHead, keyPosition: context.queryPosition, queryTag: 0)
        unsafe row.increments[row.count - 1] = Float(GumbelNoise.uniform(bits: bits))
    }
}
