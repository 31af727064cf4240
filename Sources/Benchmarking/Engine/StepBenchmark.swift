internal import Generation
internal import JSON
internal import KVCaching

/// Times prompts and steps of an engine and sets them against the machine's limits.
struct StepBenchmark {
    let bench: EngineBench
    let settings: BenchmarkSettings
    let limits: MachineLimits
    let progress: (String) -> Void

    private var facts: ModelFacts { bench.facts }

    /// Prompt tokens per second of one prompt, its last row's logits included.
    func prefill(tokens: Int) throws -> BenchmarkRow {
        progress("prefill of \(tokens)")
        let plan = try bench.plan(full, prompt: tokens, new: 1)
        let times = settings.plannedRepetitions.summary {
            defer { bench.end() }
            return bench.start([plan])
        }
        // Row i attends to i + 1 slots. The cache is written and read once by tiles at best.
        let work = facts.work(
            rows: tokens, logitRows: 1, attended: Double(tokens) * Double(tokens + 1) / 2,
            cacheBytes: plan.steadyBytes)
        return BenchmarkRow(
            name: "prefill", parameters: [("tokens", .integer(tokens)), storage], tokens: tokens, times: times,
            work: work, limits: limits)
    }

    /// New tokens per second of all sequences together, behind prompts of `depth` tokens with full caches.
    func decode(depth: Int, steps: Int, sequences: Int, name: String) throws -> BenchmarkRow {
        progress("\(name) at depth \(depth), \(sequences) sequences")
        let prompt = max(1, depth)
        let plan = try bench.plan(full, prompt: prompt, new: newTokens(steps))
        let (times, work, _) = time(Array(repeating: plan, count: sequences), steps: steps)
        var parameters: [(name: String, value: JSONValue)] = [("depth", .integer(depth)), storage]
        if name != "decode" { parameters.append(("sequences", .integer(sequences))) }
        return BenchmarkRow(
            name: name, parameters: parameters, tokens: sequences, times: times, work: work, limits: limits)
    }

    /// For each budget the rate under the policy, its gain over the first budget's, how much of the step the policy
    /// takes, and how much longer the step is than that of a window of the same size.
    func policy(
        _ name: String, budgets: [Int], depth: Int, steps: Int, sequences: Int
    ) throws -> [BenchmarkRow] {
        var rows: [BenchmarkRow] = []
        for budget in budgets {
            let isFull = budget == 1_000_000
            let (times, work, share) = try times(isFull ? "full" : name, budget, depth, steps, sequences)
            var row = BenchmarkRow(
                name: "policy",
                parameters: [
                    ("policy", .string(isFull ? "full" : name)), ("budget_percent", .real(Double(budget) / 10_000)),
                    ("depth", .integer(depth)), ("sequences", .integer(sequences)), storage,
                ],
                tokens: sequences, times: times, work: work, limits: limits)
            if let first = rows.first { row.details.append(("gain", .real(row.summary.median / first.summary.median))) }
            if !isFull {
                let (structural, _, _) = try self.times("window", budget, depth, steps, sequences)
                row.details.append(("policy_share", .real(share)))
                row.details.append(("beyond_window", .real(1 - structural.median / times.median)))
                row.details.append(("window_tokens_per_second", .real(Double(sequences) / structural.median)))
            }
            rows.append(row)
        }
        return rows
    }

    private func times(
        _ policy: String, _ budget: Int, _ depth: Int, _ steps: Int, _ sequences: Int
    ) throws(BenchmarkError) -> (Summary, Work, policyShare: Double) {
        progress("policy \(policy), \(Double(budget) / 10_000) %")
        var request = full
        request.policy = policy
        if policy != "full" { request.budget = .ratio(millionths: budget) }
        let plan: CachePlan
        do {
            plan = try bench.plan(request, prompt: max(1, depth), new: newTokens(steps))
        } catch {
            throw .refused(policy: policy, budget: "\(Double(budget) / 10_000)", error)
        }
        return time(Array(repeating: plan, count: sequences), steps: steps)
    }

    private var full: KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = "full"
        request.storage = settings.storage
        return request
    }

    private var storage: (name: String, value: JSONValue) { ("storage", .string(settings.storage)) }

    /// Steps that are timed, and two before them.
    private func newTokens(_ steps: Int) -> Int { timedSteps(steps) + Self.warmUpSteps + 1 }

    private func timedSteps(_ steps: Int) -> Int { settings.isQuick ? min(2, steps) : steps }

    private static let warmUpSteps = 2

    /// Seconds of a step, its work at the last one, and the policy's share of all of them.
    private func time(_ plans: [CachePlan], steps: Int) -> (Summary, Work, policyShare: Double) {
        if settings.fillsAtRandom { bench.startFilled(plans) } else { _ = bench.start(plans) }
        defer { bench.end() }
        for _ in 0..<Self.warmUpSteps { _ = bench.step() }
        _ = bench.takePolicySeconds()
        let times = (0..<timedSteps(steps)).map { _ in bench.step() }
        let policySeconds = bench.takePolicySeconds()
        let reads = bench.cacheReads
        let work = facts.work(
            rows: plans.count, logitRows: plans.count, attended: Double(reads.slots), cacheBytes: reads.bytes)
        return (Summary(times), work, policySeconds / times.reduce(0, +))
    }
}
