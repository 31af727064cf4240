/// How the scores of query heads, lanes and neighbours are joined before entries are chosen by them.
///
/// The query heads of a group read the same keys and values, so an entry stays or goes for all of them: a choice per
/// query head would need a copy of keys and values for each. What can differ is whose scores count, and how.
public struct ScorePooling: Sendable, Equatable {
    /// What is chosen for together.
    public enum Unit: String, Sendable, CaseIterable {
        /// Each lane for itself: one layer and KV head, the GQA group.
        case group
        /// All lanes of a layer: the scores of an entry are added in rising order of KV heads, and one set stays.
        case layer
    }

    /// What the query heads of a group make of a row's increments.
    public enum HeadReduction: String, Sendable, CaseIterable {
        case sum
        /// For each query the largest increment of any head: an entry counts as much as to the head that wants it
        /// most. Takes no more memory than the sum.
        case max
    }

    /// Radii that a request may ask for.
    public static let neighbourhoods = 0...64

    public let choosePer: Unit
    public let reduceHeads: HeadReduction
    /// r: an entry counts as much as the best of the entries held within r positions of it, as the pooling of SnapKV
    /// (Li et al., arXiv 2404.14469) does, so that neighbours stay together. 0: as much as itself.
    public let neighbourhood: Int

    public init(choosePer: Unit = .group, reduceHeads: HeadReduction = .sum, neighbourhood: Int = 0) {
        precondition(Self.neighbourhoods.contains(neighbourhood), "a neighbourhood of \(neighbourhood)")
        self.choosePer = choosePer
        self.reduceHeads = reduceHeads
        self.neighbourhood = neighbourhood
    }
}
