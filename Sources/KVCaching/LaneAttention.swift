public import Kernels
internal import Tensors

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
    func choosesPerLayer(_ layer: Int) -> Bool {
        guard let promptRows else { return cache.plan.pooling.choosePer == .layer && cache.isFull(layer: layer) }
        return promptRows.upperBound == cache.plan.promptTokens
            && (cache.choosesPromptPerLayer(layer)
                || cache.family.siblings.contains { $0.choosesPromptPerLayer(layer) })
    }
}

/// Attention of a layer over the lanes of many sequences: appends keys and values, attends, scores, evicts. One work
/// item is a prompt's rows, or some of them where lanes are few, on one lane, or a decoded row on some parts of a lane
/// (see `LaneParts`), so nothing that a lane computes depends on the batch or on the number of threads. Where one
/// choice is made for all lanes of a layer, it follows when all of them have their scores, and one work item is one
/// sequence.
///
/// Within a lane the order is fixed: queries rise, and for each query the heads of the group rise. Sums over entries
/// run in slot order within a part and then over parts, which is position order until the first eviction; so a budget
/// that is never reached gives the bits of full attention.
@safe public final class LaneAttention {
    let shape: CacheShape
    /// How each layer attends.
    let layers: [LayerAttention]
    private let compute: Compute
    let noise: NoiseTable
    /// One for each thread.
    private let workers: [LaneWorker]
    private let work: LaneWork
    /// Whether `takePolicySeconds` is told: costs clock readings.
    let timesPolicy: Bool
    // The layer under way, for the threads.
    private var jobs: [AttentionJob] = []
    private var layer = 0
    private var rows: Rows?
    /// Runs an item; made once, so that a layer allocates nothing.
    private var body: (_ index: Int, _ worker: Int) -> Void = { _, _ in }
    private var appendBody: (_ index: Int, _ worker: Int) -> Void = { _, _ in }

    /// Where queries, keys and values stand and where the outputs go.
    @unsafe private struct Rows {
        let qkv: RowAddresses
        let output: RowAddresses
        let quantiser: RowQuantiser?
    }

    public init(compute: Compute, shape: CacheShape, layers: [LayerAttention], timesPolicy: Bool = false) {
        precondition(layers.count == shape.layerCount, "\(layers.count) layers for \(shape.layerCount)")
        self.timesPolicy = timesPolicy
        self.compute = compute
        self.shape = shape
        self.layers = layers
        let noise = NoiseTable(shape: shape)
        self.noise = noise
        workers = (0..<compute.threadCount).map { _ in
            LaneWorker(
                shape: shape, kernels: compute.table, layers: layers, noise: noise, timesPolicy: timesPolicy)
        }
        work = LaneWork(shape: shape, threads: compute.threadCount)
        body = { [unowned(unsafe) self] index, worker in unsafe self.run(item: index, worker: worker) }
        appendBody = { [unowned(unsafe) self] index, worker in unsafe self.append(item: index, worker: worker) }
    }

    /// Grows scratch and the tables of RoPE and noise for a sequence of this plan, or for a prompt that `scorers`
    /// caches score.
    public func reserve(for plan: CachePlan, scorers: Int = 1) {
        var rotatesKeys = false
        for layer in layers {
            guard let table = layer.encoding.table(tokens: plan.rotaryTokens) else { continue }
            table.reserve(positions: plan.fedTokens)
            rotatesKeys = plan.positions == .compact
        }
        if plan.tap != .none, let seed = plan.noisySoftmax?.fixedSeed {
            noise.reserve(seed: seed, positions: plan.fedTokens, compute: compute)
        }
        let promptSlots = plan.startSlots + plan.promptTokens
        let slots = max(plan.laneSlots + 1, promptSlots)
        let radius = plan.pooling.neighbourhood
        for worker in workers {
            worker.scratch.reserve(
                slots: slots, promptTokens: promptSlots, groupSize: shape.groupSize, rotatesKeys: rotatesKeys,
                positions: radius > 0 ? plan.fedTokens + 2 * radius : 0, scorers: scorers)
        }
    }

    /// Seconds that all threads together spent on scores and choices since this was asked last; 0 unless the policy is
    /// timed.
    package func takePolicySeconds() -> Double {
        defer { for worker in workers { worker.scratch.policyTime = .zero } }
        return workers.reduce(Duration.zero) { $0 + $1.scratch.policyTime } / .seconds(1)
    }

    /// Runs a layer. `qkv` rows are [queryHeads + 2·kvHeads, headDim] before any rotation; `output` rows are
    /// [queryHeads, headDim]. A prompt's lanes are pruned when its last row has passed. Where `canQuantise`, output
    /// rows stand quantised beside themselves, too, if a product wants that.
    public func run(
        _ jobs: [AttentionJob], layer: Int, qkv: ActivationRows, output: ActivationRows,
        quantisation: ActivationQuantisation? = nil
    ) {
        work.begin(jobs, layer: layer)
        self.jobs = jobs
        self.layer = layer
        let quantiser =
            unsafe canQuantise
            ? quantisation.map { unsafe compute.quantiser(of: output, for: $0) } : nil
        unsafe rows = Rows(qkv: qkv.addresses, output: output.addresses, quantiser: quantiser)
        let choosing = jobs.filter { $0.choosesPerLayer(layer) }
        if !work.appended.isEmpty { compute.forEach(kept: appendBody, count: work.appended.count) }
        compute.forEach(kept: body, count: work.items.count)
        // Nobody's cache lives longer for it.
        self.jobs = []
        defer { unsafe rows = nil }
        guard !choosing.isEmpty else { return }
        compute.forEach(count: choosing.count) { index, worker in
            let worker = workers[worker]
            worker.scratch.timePolicy(timesPolicy) {
                unsafe LayerChoice(
                    worker: worker, job: choosing[index], layer: layer, qkv: qkv.addresses, output: output.addresses
                ).run()
            }
        }
    }

    /// Writes the keys and values of prompt rows that several threads will attend to.
    private func append(item index: Int, worker: Int) {
        guard let rows = unsafe rows else { return }
        let item = work.appended[index]
        for kvHead in item.kvHeads {
            unsafe pass(item, rows, kvHead: kvHead, workers[worker]).appendPrompt(item.promptRows)
        }
    }

    private func run(item index: Int, worker: Int) {
        guard let rows = unsafe rows else { return }
        let (item, worker) = (work.items[index], workers[worker])
        for kvHead in item.kvHeads {
            let pass = unsafe pass(item, rows, kvHead: kvHead, worker)
            let job = unsafe pass.job
            if let prompt = job.promptRows {
                unsafe runPrompt(pass, prompt, item)
                let first = job.firstRow + item.promptRows.lowerBound - prompt.lowerBound
                unsafe quantise(first..<first + item.promptRows.count, rows, kvHead: kvHead)
                continue
            }
            let number = item.lane + kvHead - item.kvHeads.lowerBound
            let lane = unsafe work.lane(number, of: item, workerRows: worker.scratch.logits.base)
            unsafe pass.attend(item.parts, lane, following: keys(after: index, kvHead: kvHead))
            guard work.finished(number, of: item) else { continue }
            unsafe pass.finishDecoded(lane)
            unsafe quantise(job.firstRow..<job.firstRow + 1, rows, kvHead: kvHead)
        }
    }

    /// The keys that the thread is likely to read after this lane of an item: the item's next ones, or those of the
    /// item that it claims when each of the others has claimed one more.
    @unsafe private func keys(after index: Int, kvHead: Int) -> UnsafeRawPointer? {
        var item = work.items[index]
        var next = kvHead + 1
        if next == item.kvHeads.upperBound {
            guard index + workers.count < work.items.count else { return nil }
            item = work.items[index + workers.count]
            next = item.kvHeads.lowerBound
        }
        return unsafe jobs[item.job].cache.key(
            slot: item.parts.lowerBound * LaneParts.size, layer: layer, kvHead: next)
    }

    private func runPrompt(_ pass: LanePass, _ rows: Range<Int>, _ item: LaneWork.Item) {
        if item.isWhole { return unsafe pass.prompt(rows) }
        unsafe pass.attendPrompt(rows, queries: item.promptRows)
        if work.finished(item.lane, of: item) { unsafe pass.endPrompt(rows) }
    }

    @unsafe private func pass(_ item: LaneWork.Item, _ rows: Rows, kvHead: Int, _ worker: LaneWorker) -> LanePass {
        unsafe LanePass(
            worker: worker, job: jobs[item.job], layer: layer, kvHead: kvHead, qkv: rows.qkv, output: rows.output)
    }

    /// Whether what one lane gives to a row is whole blocks.
    public var canQuantise: Bool { shape.groupSize * shape.headDim % 32 == 0 }

    private func quantise(_ outputRows: Range<Int>, _ rows: Rows, kvHead: Int) {
        guard let quantiser = unsafe rows.quantiser else { return }
        let width = shape.groupSize * shape.headDim
        for row in outputRows {
            unsafe quantiser.quantise(row: row, columns: kvHead * width..<(kvHead + 1) * width)
        }
    }
}
