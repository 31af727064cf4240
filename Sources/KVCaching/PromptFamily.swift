/// The caches that one prompt fills.
///
/// A prompt runs under full attention whatever is kept of it, so its keys, values and logits are the same for every
/// plan. The leader's prompt lanes hold keys and values; each sibling only adds up the scores it chooses by, and only
/// where no earlier member has the same ones. At the end of a layer every member takes what its plan keeps, and from
/// then on they have nothing in common. A sibling ends with the bits it would have come to alone.
struct PromptFamily {
    /// Members after the leader.
    private(set) var siblings: [SequenceCache] = []
    /// By member, the leader first: the member whose scores it reads; nil without scores.
    private(set) var scoreOwners: [Int?]
    /// Members that add up scores, rising.
    private(set) var scorers: [Int]

    init(leader: CachePlan) {
        scoreOwners = [leader.tap == .none ? nil : 0]
        scorers = leader.tap == .none ? [] : [0]
    }

    /// The earlier member whose scores a cache of this plan can read.
    func scoreOwner(for plan: CachePlan, leader: SequenceCache) -> Int? {
        scorers.first { plan.sharesScores(with: member($0, leader: leader).plan) }
    }

    /// Takes a sibling in. `owner` is nil where it adds up scores of its own or has none.
    mutating func add(_ sibling: SequenceCache, scoresOf owner: Int?) {
        siblings.append(sibling)
        let index = siblings.count
        if owner == nil && sibling.plan.tap != .none { scorers.append(index) }
        scoreOwners.append(owner ?? (sibling.plan.tap == .none ? nil : index))
    }

    var count: Int { 1 + siblings.count }

    func member(_ index: Int, leader: SequenceCache) -> SequenceCache { index == 0 ? leader : siblings[index - 1] }
}
