internal import Decoding
internal import Foundation
internal import Generation
internal import JSON
internal import KVCaching
internal import Scheduling

/// How many sequences of which budget a machine serves, and how many machines a trace needs: steps are measured, costs
/// fitted to them, and the server's scheduler runs in simulated time.
public struct CapacityBenchmark: Sendable {
    public var settings: BenchmarkSettings
    public var capacity: CapacitySettings

    public init(_ settings: BenchmarkSettings, _ capacity: CapacitySettings) {
        self.settings = settings
        self.capacity = capacity
    }

    /// Blocks until the end; `progress` hears what is being done.
    public func run(progress: @escaping (String) -> Void = { _ in }) throws -> BenchmarkReport {
        let machine = Machine.current()
        let threads = settings.threads ?? machine.cores
        let facts = try ModelFacts(path: settings.modelPath)
        let known = try capacity.costsPath.map { path throws(BenchmarkError) in try StepCost.reported(in: path) } ?? [:]
        let repetitions = settings.isQuick ? 2 : max(8, settings.repetitions)
        let depth = min(facts.configuration.contextLength - repetitions - 8, settings.isQuick ? 256 : 2048)
        guard depth >= 128 else {
            throw BenchmarkError.contextTooShort(needed: 160, context: facts.configuration.contextLength)
        }
        let bench = try EngineBench(
            facts: facts, threads: threads, sequences: MeasuredSteps.batches.max() ?? 1, rows: settings.rowsPerStep)
        let measured = MeasuredSteps(bench: bench, repetitions: repetitions, depth: depth)
        var rows: [BenchmarkRow] = []
        for budget in capacity.budgets {
            let name = Self.name(budget)
            let cost: StepCost
            if let found = known[name] {
                cost = found
            } else {
                progress("steps at a budget of \(name)")
                let samples = try measured.samples(request(budget))
                cost = StepCost(fitting: samples)
                rows.append(cost.row(budget: name, error: cost.error(samples)))
            }
            let planner = CapacityPlanner(
                cost: cost, shape: facts.configuration.cacheShape, usesRoPE: facts.configuration.usesRoPE,
                context: facts.configuration.contextLength, request: request(budget), settings: capacity,
                rowsPerStep: settings.rowsPerStep)
            rows += try planner.sequences(name)
            if let trace = capacity.trace {
                progress("the trace at a budget of \(name)")
                rows += try planner.replay(trace, name)
            }
        }
        return BenchmarkReport(
            product: settings.product, command: settings.command, date: Date(), machine: machine, limits: nil,
            model: facts.json, rows: rows)
    }

    private func request(_ budget: Int) -> KVCacheRequest {
        var request = KVCacheRequest()
        request.storage = settings.storage
        request.policy = budget == 1_000_000 ? "full" : capacity.policy
        if budget != 1_000_000 { request.budget = .ratio(millionths: budget) }
        return request
    }

    static func name(_ budget: Int) -> String {
        let percent = Double(budget) / 10_000
        return percent == percent.rounded() ? "\(Int(percent)) %" : "\(percent) %"
    }
}
