public import Kernels

/// What one sequence feeds to a layer in this step.
public struct AttentionJob {
    public let cache: SequenceCache
    /// First row of the step's activations that belongs to the sequence.
    public let firstRow: Int
    /// Prompt positions of the rows, or nil for one decoded token.
    public let promptRows: Range<Int>?

    public init(cache: SequenceCache, firstRow: Int, promptRows: Range<Int>?) {
        self.cache = cache
        self.firstRow = firstRow
        self.promptRows = promptRows
    }
}

/// Attention of a layer over the lanes of many sequences: appends keys and values, attends, scores, evicts. One work
/// item is one lane of one sequence, so nothing that a lane computes depends on the batch or on the number of
/// threads.
///
/// Within a lane the order is fixed: queries rise, and for each query the heads of the group rise. Sums over entries
/// run in slot order, which is position order until the first eviction; so a budget that is never reached gives the
/// bits of full attention.
@safe public final class LaneAttention {
    let kernels: KernelTable
    let encoding: PositionEncoding
    let shape: CacheShape
    private let compute: Compute
    private let scratch: [LaneScratch]

    public init(compute: Compute, shape: CacheShape, encoding: PositionEncoding) {
        self.compute = compute
        kernels = compute.table
        self.shape = shape
        self.encoding = encoding
        scratch = (0..<compute.threadCount).map { _ in LaneScratch(headDim: shape.headDim) }
    }

    /// Grows scratch and RoPE tables for a sequence of this plan.
    public func reserve(for plan: CachePlan) {
        var rotatesKeys = false
        if case .rope(let table) = encoding {
            table.reserve(positions: plan.fedTokens)
            rotatesKeys = plan.positions == .compact
        }
        let slots = max(plan.laneSlots + 1, plan.promptTokens)
        for worker in scratch { worker.reserve(slots: slots, groupSize: shape.groupSize, rotatesKeys: rotatesKeys) }
    }

    /// Runs a layer. `qkv` rows are [queryHeads + 2·kvHeads, headDim] before any rotation; `output` rows are
    /// [queryHeads, headDim]. A prompt's lanes are pruned when its last row has passed.
    public func run(_ jobs: [AttentionJob], layer: Int, qkv: ActivationRows, output: ActivationRows) {
        let heads = shape.kvHeads
        compute.forEach(count: jobs.count * heads) { index, worker in
            let job = jobs[index / heads]
            let pass = unsafe LanePass(
                attention: self, job: job, layer: layer, kvHead: index % heads, qkv: qkv, output: output,
                scratch: scratch[worker])
            if let rows = job.promptRows {
                unsafe pass.prompt(rows)
            } else {
                unsafe pass.decode()
            }
        }
    }
}
