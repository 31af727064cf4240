internal import Generation
internal import JSON
internal import KVCaching
internal import Scheduling

/// Capacity of machines of one kind under one budget, from the costs of their steps.
struct CapacityPlanner {
    let cost: StepCost
    let shape: CacheShape
    let usesRoPE: Bool
    let context: Int
    let request: KVCacheRequest
    let settings: CapacitySettings
    let rowsPerStep: Int

    /// What a number of machines makes of a trace.
    struct Outcome {
        let samples: [RequestSample]
        let mostSequences: Int
        let seconds: Double

        func goodShare(_ objective: LoadSettings.Objective) -> Double {
            Double(samples.count { $0.meets(objective) }) / Double(max(1, samples.count))
        }
    }

    private func plan(prompt: Int, new: Int) throws(KVCacheRequestError) -> CachePlan {
        try PolicyTable.plan(
            request, defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: new, shape: shape,
            usesRoPE: usesRoPE)
    }

    /// Sequences of one size that a machine holds, and those that it also serves in time.
    func sequences(_ name: String) throws(KVCacheRequestError) -> [BenchmarkRow] {
        let plan = try plan(prompt: settings.promptTokens, new: settings.newTokens)
        let parameters: [(name: String, value: JSONValue)] = [
            ("budget", .string(name)), ("prompt", .integer(settings.promptTokens)),
            ("new", .integer(settings.newTokens)),
        ]
        func row(_ name: String, _ unit: String, _ value: Double) -> BenchmarkRow {
            BenchmarkRow(name: name, parameters: parameters, unit: unit, summary: Summary([value]))
        }
        // One reads its prompt while the others decode.
        let fitting = max(0, (settings.poolBytes - (plan.peakBytes - plan.steadyBytes)) / max(1, plan.steadyBytes))
        let slots = plan.laneSlots
        let perSequence = cost.row + cost.slot * Double(slots)
        let inTime = perSequence > 0 ? (settings.objective.tpotSeconds - cost.step) / perSequence : .infinity
        var timely = row("sequences that decode in time", "sequences", max(0, min(inTime.rounded(.down), 1e6)))
        timely.details = [("itl_ms", .real(settings.objective.tpotSeconds * 1e3))]
        var prompt = row(
            "time of a prompt", "s",
            cost.seconds(
                rows: 0, slots: 0, promptRows: Double(settings.promptTokens),
                promptPairs: StepCost.pairs(0..<settings.promptTokens)))
        prompt.details = [("slots", .integer(slots))]
        return [
            row("bytes of a sequence", "bytes", Double(plan.steadyBytes)),
            row("sequences that fit", "sequences", Double(fitting)), timely, prompt,
        ]
    }

    /// The smallest number of machines that serve a trace as well as asked for, or the numbers that were asked for.
    func replay(_ trace: RequestTrace, _ name: String) throws -> [BenchmarkRow] {
        guard settings.machines.isEmpty else {
            return try settings.machines.flatMap { rows(try outcome(trace, machines: $0), machines: $0, name) }
        }
        // Requests that miss the objective on a machine of their own miss it on any number of machines.
        let alone = try outcome(trace, machines: trace.entries.count)
        let target = min(settings.target, alone.goodShare(settings.objective))
        var (low, high) = (0, 1)
        var best = try outcome(trace, machines: high)
        while best.goodShare(settings.objective) < target {
            guard high < CapacitySettings.mostMachines else { return rows(best, machines: high, name) }
            low = high
            high *= 2
            best = try outcome(trace, machines: high)
        }
        while high - low > 1 {
            let middle = (low + high) / 2
            let outcome = try outcome(trace, machines: middle)
            if outcome.goodShare(settings.objective) >= target {
                (high, best) = (middle, outcome)
            } else {
                low = middle
            }
        }
        return rows(best, machines: high, name)
    }

    /// Requests go to machines in turn, as a hash spreads many sessions.
    func outcome(_ trace: RequestTrace, machines: Int) throws -> Outcome {
        let limits = try SchedulerLimits(
            maxSequences: settings.maxSequences, maxQueuedSequences: settings.maxQueue, layerCount: shape.layerCount,
            maxRowsPerStep: rowsPerStep, poolBytes: settings.poolBytes)
        let machine = SimulatedMachine(cost: cost, limits: limits)
        var (samples, most, seconds): ([RequestSample], Int, Double) = ([], 0, 0)
        for place in 0..<machines {
            let own = stride(from: place, to: trace.entries.count, by: machines).map { trace.entries[$0] }
            let served = machine.serve(try own.map(simulated))
            samples += served.samples
            most = max(most, served.mostSequences)
            seconds = max(seconds, served.seconds)
        }
        return Outcome(samples: samples, mostSequences: most, seconds: seconds)
    }

    /// A request that is longer than the model's context is cut to it, the answer last.
    private func simulated(_ entry: RequestTrace.Entry) throws(KVCacheRequestError) -> SimulatedMachine.Request {
        let new = min(entry.newTokens, context / 2)
        let prompt = min(entry.promptTokens, context - new)
        return SimulatedMachine.Request(time: entry.time, newTokens: new, plan: try plan(prompt: prompt, new: new))
    }

    private func rows(_ outcome: Outcome, machines: Int, _ name: String) -> [BenchmarkRow] {
        let parameters: [(name: String, value: JSONValue)] = [
            ("budget", .string(name)), ("machines", .integer(machines)),
        ]
        let good = outcome.samples.filter(\.isGood)
        func latencies(_ name: String, _ values: [Double]) -> [BenchmarkRow] {
            guard !values.isEmpty else { return [] }
            var row = BenchmarkRow(name: name, parameters: parameters, unit: "s", summary: Summary(values))
            row.details = [("p95", .real(row.summary.percentile(0.95))), ("p99", .real(row.summary.percentile(0.99)))]
            return [row]
        }
        var needed = BenchmarkRow(
            name: "machines", parameters: [("budget", .string(name))], unit: "machines",
            summary: Summary([Double(machines)]))
        needed.details = [
            ("good_share", .real(outcome.goodShare(settings.objective))),
            ("refused", .integer(outcome.samples.count { $0.failure != nil })),
            ("most_sequences", .integer(outcome.mostSequences)), ("seconds", .real(outcome.seconds)),
        ]
        return [needed] + latencies("time to first token", good.compactMap(\.timeToFirstToken))
            + latencies("inter-token latency", good.flatMap(\.gaps))
            + latencies("end to end", good.compactMap(\.wholeTime))
    }
}
