internal import Kernels
internal import Tensors

/// The choice for all lanes of a layer, when they have their scores: what stays of a prompt, or the entry that makes
/// room for a decoded token. All lanes hold the same positions in the same slots, so one plan serves them all.
@unsafe struct LayerChoice {
    let worker: LaneWorker
    let job: AttentionJob
    let layer: Int
    let qkv: RowAddresses
    let output: RowAddresses
    private var scratch: LaneScratch { unsafe worker.scratch }

    init(worker: LaneWorker, job: AttentionJob, layer: Int, qkv: RowAddresses, output: RowAddresses) {
        unsafe self.worker = worker
        unsafe self.job = job
        unsafe self.layer = layer
        unsafe self.qkv = qkv
        unsafe self.output = output
    }

    func run() {
        guard unsafe job.promptRows == nil else {
            unsafe PromptEnd(leader: job.cache, layer: layer, kernels: worker.kernels, scratch: scratch).fillLayer()
            return
        }
        let (cache, heads) = unsafe (job.cache, worker.shape.kvHeads)
        let held = unsafe cache.count(layer: layer, kvHead: 0)
        let sum = unsafe scratch.layerScores(count: held, kvHeads: heads, kernels: worker.kernels) { kvHead in
            unsafe cache.lane(layer: layer, kvHead: kvHead).scores.map { unsafe UnsafePointer($0) }
        }
        let fedScore = (0..<heads).reduce(Float(0)) { $0 + cache.fedScores[$1] }
        let view = unsafe scratch.view(
            held: held, positions: cache.lane(layer: layer, kvHead: 0).positions, scores: sum,
            fed: (position: Int32(cache.fedTokens), score: fedScore), neighbourhood: cache.plan.pooling.neighbourhood)
        let slot = unsafe pass(kvHead: 0).victim(view)
        for kvHead in 0..<heads {
            let pass = unsafe pass(kvHead: kvHead)
            unsafe pass.replace(
                slot, fedScore: cache.fedScores[kvHead],
                key: pass.rotatedKey(row: job.firstRow, position: cache.fedTokens))
        }
    }

    private func pass(kvHead: Int) -> LanePass {
        unsafe LanePass(
            worker: worker, job: job, layer: layer, kvHead: kvHead, qkv: qkv, output: output)
    }
}
