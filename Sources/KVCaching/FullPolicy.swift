public import Kernels

/// Keeps everything: ordinary attention. Its lanes hold prompt and output whole, so nothing is ever planned.
public struct FullPolicy: EvictionPolicy {
    public init() {}

    public func plan(_ event: PlanEvent, lane: LaneView, budget: Int, kernels: KernelTable) -> EvictionPlan {
        preconditionFailure("policy full was asked to evict: \(lane.count) entries over \(budget) slots")
    }
}
