import Generation
import JSON
import KVCaching
import Scheduling
import TestSupport
import Testing

@testable import Benchmarking

@Suite struct CapacityTests {
    private static let cost = StepCost(fitting: [
        .init(rows: 1, slots: 0, seconds: 0.011), .init(rows: 3, slots: 0, seconds: 0.013),
        .init(rows: 1, slots: 1000, seconds: 0.012), .init(rows: 2, slots: 4000, seconds: 0.016),
        .init(prompt: 100, seconds: 0.01 + 0.2 + 5050e-7), .init(prompt: 1000, seconds: 0.01 + 2 + 500_500e-7),
    ])
    private static let shape = CacheShape(layerCount: 2, kvHeads: 1, queryHeads: 1, headDim: 8, hiddenSize: 8)

    private static func planner(
        _ budget: Int?, poolBytes: Int, machines: [Int] = [], target: Double = 0.99
    ) -> CapacityPlanner {
        var settings = CapacitySettings(poolBytes: poolBytes)
        settings.promptTokens = 100
        settings.newTokens = 20
        settings.machines = machines
        settings.target = target
        settings.objective.ttftSeconds = 3
        settings.objective.tpotSeconds = 0.05
        var request = KVCacheRequest()
        request.policy = budget == nil ? "full" : "keyformer"
        request.budget = budget.map { .ratio(millionths: $0) }
        return CapacityPlanner(
            cost: cost, shape: shape, usesRoPE: true, context: 4096, request: request, settings: settings,
            rowsPerStep: 64)
    }

    private static func trace(_ count: Int, every gap: Double) -> RequestTrace {
        RequestTrace((0..<count).map { .init(time: Double($0) * gap, promptTokens: 100, newTokens: 20) })
    }

    /// The costs that made the samples come out again.
    @Test func costsAreFound() {
        let found = Self.cost
        for (value, expected) in [
            (found.step, 0.01), (found.row, 0.001), (found.slot, 1e-6), (found.promptRow, 0.002),
            (found.promptPair, 1e-7),
        ] { #expect(abs(value / expected - 1) < 1e-6, "\(value) for \(expected)") }
    }

    @Test func noCostIsNegative() {
        let cost = StepCost(fitting: [
            .init(rows: 1, slots: 1000, seconds: 0.02), .init(rows: 2, slots: 10, seconds: 0.03),
            .init(rows: 4, slots: 10, seconds: 0.05), .init(prompt: 10, seconds: 0.1),
            .init(prompt: 1000, seconds: 0.2),
        ])
        for part in [cost.step, cost.row, cost.slot, cost.promptRow, cost.promptPair] { #expect(part >= 0) }
    }

    @Test func pairsOfPiecesAddUp() {
        #expect(StepCost.pairs(0..<4) == 10 && StepCost.pairs(0..<2) + StepCost.pairs(2..<4) == 10)
    }

    /// A request alone: its prompt in pieces of 64 rows, then a step for each further token.
    @Test func aLonelyRequestTakesWhatItsStepsCost() throws {
        let outcome = try Self.planner(nil, poolBytes: 1 << 30).outcome(Self.trace(1, every: 1), machines: 1)
        let sample = try #require(outcome.samples.first)
        let prompt = 2 * 0.01 + 100 * 0.002 + 5050e-7
        #expect(abs(try #require(sample.timeToFirstToken) - prompt) < 1e-6)
        let steps = (101..<120).reduce(0.0) { $0 + 0.011 + Double($1) * 1e-6 }
        #expect(abs(try #require(sample.wholeTime) - prompt - steps) < 1e-6)
        #expect(sample.pieces.count == 20 && sample.tokenCount == 20)
    }

    @Test func everyRequestIsServedOrRefused() throws {
        for budget in [nil, 500_000] as [Int?] {
            let outcome = try Self.planner(budget, poolBytes: 40_000).outcome(Self.trace(400, every: 0.01), machines: 3)
            #expect(outcome.samples.count == 400)
            for sample in outcome.samples { #expect(sample.isGood != (sample.failure != nil)) }
        }
    }

    /// Twice the load needs about twice the machines, and half the budget holds more sequences.
    @Test func loadAndBudgetsCount() throws {
        func machines(_ planner: CapacityPlanner, _ trace: RequestTrace) throws -> Double {
            try #require(try planner.replay(trace, "a").first { $0.name == "machines" }).summary.median
        }
        let planner = Self.planner(nil, poolBytes: 1 << 30)
        let (slow, fast) = (
            try machines(planner, Self.trace(200, every: 0.2)), try machines(planner, Self.trace(200, every: 0.1))
        )
        #expect(slow >= 1 && fast >= 1.5 * slow && fast <= 3 * slow, "\(slow) and \(fast)")
        func fitting(_ budget: Int?) throws -> Double {
            let rows = try Self.planner(budget, poolBytes: 1 << 20).sequences("a")
            return try #require(rows.first { $0.name == "sequences that fit" }).summary.median
        }
        #expect(try fitting(500_000) > 1.8 * fitting(nil))
    }

    /// A prompt that takes too long alone is no reason for more machines.
    @Test func whatNoMachineCanDoEndsTheSearch() throws {
        let entries = (0..<40).map { index in
            RequestTrace.Entry(time: Double(index), promptTokens: index % 10 == 0 ? 3000 : 100, newTokens: 5)
        }
        let rows = try Self.planner(nil, poolBytes: 1 << 30).replay(RequestTrace(entries), "a")
        let machines = try #require(rows.first { $0.name == "machines" })
        #expect(machines.summary.median <= 40)
        #expect(machines.details.first?.value == .real(0.9))
    }

    /// The whole way with a tiny model.
    @Test func aModelIsMeasured() throws {
        let folder = try TemporaryFolder()
        let path = try RandomModelTests.write(RandomModelTests.shape(for: .q8_0), .q8_0, seed: 1, in: folder)
        var settings = BenchmarkSettings(modelPath: path, product: "test 1", command: ["keyhold", "bench"])
        settings.isQuick = true
        settings.threads = 1
        var capacity = CapacitySettings(poolBytes: 1 << 24)
        capacity.promptTokens = 64
        capacity.newTokens = 8
        capacity.machines = [1, 2]
        capacity.trace = Self.trace(20, every: 0.001)
        let report = try CapacityBenchmark(settings, capacity).run()
        // The costs of a report serve a later run.
        let file = "\(folder.path)/capacity.json"
        try report.write(to: file)
        capacity.costsPath = file
        let again = try CapacityBenchmark(settings, capacity).run()
        #expect(!again.rows.contains { $0.name == "cost of a step" })
        let fitting = { (report: BenchmarkReport) in
            report.rows.filter { $0.name == "sequences that decode in time" }.map(\.summary.median)
        }
        #expect(fitting(again) == fitting(report) && fitting(report).count == 3)
        let names = Set(report.rows.map(\.name))
        #expect(names.isSuperset(of: ["cost of a step", "sequences that fit", "machines", "time to first token"]))
        #expect(report.rows.filter { $0.name == "machines" }.count == 6)
    }
}
