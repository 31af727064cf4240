public import Kernels

/// Heavy-hitter oracle (Zhang et al., arXiv 2306.14048): the score is the attention probability, accumulated over
/// queries and the heads of the group.
public struct H2OPolicy: ScoredPolicy {
    public var selection: ScoredSelection

    public init(selection: ScoredSelection) { self.selection = selection }

    public var tap: AttentionTap { .probabilities }

    public func score(_ row: borrowing ObservedRow, kernels: KernelTable) {
        unsafe row.increments.update(from: row.values, count: row.count)
    }
}
