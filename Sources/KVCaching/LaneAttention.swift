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

    /// Whether threads may share a lane's rows: nobody adds up scores, whose order is fixed.
    var sharesLanes: Bool { cache.family.scorers.isEmpty }

    /// Whether this step ends in a choice for all lanes of the layer.
    var choosesPerLayer: Bool {
        guard let promptRows else { return cache.plan.pooling.choosePer == .layer && cache.isFull }
        return promptRows.upperBound == cache.plan.promptTokens
            && (cache.choosesPromptPerLayer || cache.family.siblings.contains(where: \.choosesPromptPerLayer))
    }
}

/// Attention of a layer over the lanes of many sequences: appends keys and values, attends, scores, evicts. One work
/// item is a prompt's rows, or some of them where lanes are few, on one lane, or a decoded row on one part of a lane
/// (see `LaneParts`), so nothing that a lane computes depends on the batch or on the number of threads. Where one
/// choice is made for all lanes of a layer, it follows when all of them have their scores, and one work item is one
/// sequence.
///
/// Within a lane the order is fixed: queries rise, and for each query the heads of the group rise. Sums over entries
/// run in slot order within a part and then over parts, which is position order until the first eviction; so a budget
/// that is never reached gives the bits of full attention.
@safe public final class LaneAttention {
    let kernels: KernelTable
    let encoding: PositionEncoding
    let shape: CacheShape
    private let compute: Compute
    let noise: NoiseTable
    private let scratch: [LaneScratch]
    private let work: LaneWork

    public init(compute: Compute, shape: CacheShape, encoding: PositionEncoding) {
        self.compute = compute
        kernels = compute.table
        self.shape = shape
        self.encoding = encoding
        scratch = (0..<compute.threadCount).map { _ in LaneScratch(headDim: shape.headDim) }
        work = LaneWork(shape: shape)
        noise = NoiseTable(shape: shape)
    }

    /// Grows scratch and the tables of RoPE and noise for a sequence of this plan, or for a prompt that `scorers`
    /// caches score.
    public func reserve(for plan: CachePlan, scorers: Int = 1) {
        var rotatesKeys = false
        if case .rope(let table) = encoding {
            table.reserve(positions: plan.fedTokens)
            rotatesKeys = plan.positions == .compact
        }
        if plan.tap != .none, let seed = plan.policy.fixedNoiseSeed {
            noise.reserve(seed: seed, positions: plan.fedTokens, compute: compute)
        }
        let slots = max(plan.laneSlots + 1, plan.promptTokens)
        let radius = plan.pooling.neighbourhood
        for worker in scratch {
            worker.reserve(
                slots: slots, promptTokens: plan.promptTokens, groupSize: shape.groupSize, rotatesKeys: rotatesKeys,
                positions: radius > 0 ? plan.fedTokens + 2 * radius : 0, scorers: scorers)
        }
    }

    /// Runs a layer. `qkv` rows are [queryHeads + 2·kvHeads, headDim] before any rotation; `output` rows are
    /// [queryHeads, headDim]. A prompt's lanes are pruned when its last row has passed.
    public func run(_ jobs: [AttentionJob], layer: Int, qkv: ActivationRows, output: ActivationRows) {
        work.begin(jobs, layer: layer, threads: compute.threadCount)
        func pass(_ item: LaneWork.Item, worker: Int) -> LanePass {
            unsafe LanePass(
                attention: self, job: jobs[item.job], layer: layer, kvHead: item.kvHead, qkv: qkv, output: output,
                scratch: scratch[worker])
        }
        compute.forEach(count: work.appended.count) { index, worker in
            let item = work.appended[index]
            unsafe pass(item, worker: worker).appendPrompt(item.promptRows)
        }
        compute.forEach(count: work.items.count) { index, worker in
            let item = work.items[index]
            let pass = unsafe pass(item, worker: worker)
            if let rows = jobs[item.job].promptRows {
                guard item.lane >= 0 else { return unsafe pass.prompt(rows) }
                unsafe pass.attendPrompt(rows, queries: item.promptRows)
                if work.finishedPart(of: item.lane) { unsafe pass.endPrompt(rows) }
                return
            }
            let lane = unsafe work.lane(item.lane)
            unsafe pass.attendPart(item.part, lane)
            if work.finishedPart(of: item.lane) { unsafe pass.finishDecoded(lane) }
        }
        let choosing = jobs.filter(\.choosesPerLayer)
        guard !choosing.isEmpty else { return }
        compute.forEach(count: choosing.count) { index, worker in
            unsafe LayerChoice(
                attention: self, job: choosing[index], layer: layer, qkv: qkv, output: output, scratch: scratch[worker]
            ).run()
        }
    }
}
