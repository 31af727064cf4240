internal import Generation
internal import KVCaching

/// Times the steps that costs are fitted to.
struct MeasuredSteps {
    let bench: EngineBench
    let repetitions: Int
    /// Longest prompt that is computed and deepest cache that is filled.
    let depth: Int

    /// Sequences of the larger batches.
    static let batches = [1, 2, 8]

    /// Steps and prompts under a request's policy.
    func samples(_ request: KVCacheRequest) throws(KVCacheRequestError) -> [StepCost.Sample] {
        var samples: [StepCost.Sample] = []
        for batch in Self.batches {
            for depth in [64, depth / 2, depth] { samples.append(try decode(request, depth: depth, sequences: batch)) }
        }
        for tokens in [64, depth / 4, depth / 2, depth] { samples.append(try prompt(request, tokens: tokens)) }
        return samples
    }

    private func decode(
        _ request: KVCacheRequest, depth: Int, sequences: Int
    ) throws(KVCacheRequestError) -> StepCost.Sample {
        let plan = try bench.plan(request, prompt: depth, new: repetitions + 4)
        bench.startFilled(Array(repeating: plan, count: sequences))
        defer { bench.end() }
        for _ in 0..<2 { _ = bench.step() }
        let seconds = Summary((0..<repetitions).map { _ in bench.step() }).median
        return StepCost.Sample(rows: sequences, slots: bench.cacheReads.slots, seconds: seconds)
    }

    private func prompt(_ request: KVCacheRequest, tokens: Int) throws(KVCacheRequestError) -> StepCost.Sample {
        let plan = try bench.plan(request, prompt: tokens, new: 1)
        let times = (0..<max(2, repetitions / 8)).map { _ in
            defer { bench.end() }
            return bench.start([plan])
        }
        return StepCost.Sample(prompt: tokens, seconds: Summary(times).minimum)
    }
}
