public import Kernels

/// Structural policies: the first `sinkTokens` positions and the newest entries stay.
/// `window` has no sinks; `streaming` is StreamingLLM (Xiao et al., arXiv 2309.17453), with four sinks by default.
public struct WindowPolicy: EvictionPolicy {
    public let sinkTokens: Int

    public init(sinkTokens: Int) { self.sinkTokens = sinkTokens }

    public func plan(_ event: PlanEvent, lane: LaneView, budget: Int, kernels: KernelTable) -> EvictionPlan {
        switch event {
        case .promptEnd:
            let sinks = lane.leadingEntries(below: sinkTokens)
            let recent = budget - sinks
            return .keep(Array(0..<sinks) + Array((lane.count - recent)..<lane.count))
        case .step:
            guard let oldest = lane.oldest(from: Int32(sinkTokens)) else {
                preconditionFailure("a lane of \(lane.count) entries has nothing but \(sinkTokens) sinks")
            }
            return .evict(slot: oldest)
        }
    }
}
