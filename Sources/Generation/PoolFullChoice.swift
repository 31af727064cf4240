/// What becomes of a request for which the KV pool has no room now.
public enum PoolFullChoice: String, Sendable, Equatable, CaseIterable {
    /// It waits for its turn.
    case queue
    /// It is refused at once, with a prediction of when to come back.
    case reject
    /// Its budget becomes as small as it must to start now, not below its `min_budget_tokens`; if that is not small
    /// enough, it waits with the smallest budget.
    case shrink
}
