import Foundation
import Testing

@testable import Scheduling

/// Seeded runs of the production scheduler. `KEYHOLD_SIMULATION_SECONDS=30` runs new seeds for that long.
@Suite struct SchedulerSimulationTests {
    /// A failure names its seed: `SchedulerSimulation.run(seed:)` repeats it.
    @Test func noSeedBreaksAPromise() throws {
        var counts: [String: Int] = [:]
        for seed in UInt64(0)..<400 {
            let report = try SchedulerSimulation.run(seed: seed)
            if let broken = report.brokenPromise {
                Issue.record("seed \(seed), step \(report.step): \(broken)")
                return
            }
            counts.merge(report.counts, uniquingKeysWith: +)
        }
        let expected = [
            "queued", "neverFits", "groupTooLarge", "queueFull", "cancel", "pause", "expired", "started", "decode",
            "layer", "layers", "partOfLayer", "firstRows", "laterRows", "guaranteedPrefill",
            "otherTenant", "turns",
        ]
        let rare = expected.filter { counts[$0, default: 0] < 100 }
        #expect(rare.isEmpty, "the seeds hardly ever try \(rare): \(counts)")
    }

    @Test func sameSeedGivesTheSameTrace() throws {
        for seed in UInt64(0)..<50 {
            if let broken = try Self.differingTrace(seed: seed, mutation: nil) {
                Issue.record("seed \(seed): \(broken)")
                return
            }
        }
    }

    @Test(arguments: SimulationMutation.allCases)
    func checkerCatchesItsMutation(mutation: SimulationMutation) throws {
        var others: [String] = []
        for seed in UInt64(0)..<150 {
            let broken =
                try SchedulerSimulation.run(seed: seed, mutation: mutation).brokenPromise
                ?? Self.differingTrace(seed: seed, mutation: mutation)
            guard let broken else { continue }
            if broken.promise == mutation.promise { return }
            others.append("seed \(seed): \(broken)")
        }
        Issue.record("\(mutation) got past the checker of \(mutation.promise): \(others.prefix(3))")
    }

    @Test func everyPromiseHasAMutation() {
        let checked = Set(SimulationMutation.allCases.map(\.promise))
        #expect(checked == Set(SchedulerPromise.allCases))
    }

    @Test(.enabled(if: secondsToRun > 0, "KEYHOLD_SIMULATION_SECONDS asks for it"))
    func noSeedBreaksAPromiseForLong() throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(secondsToRun)
        var seed: UInt64 = 1_000
        while clock.now < end {
            let report = try SchedulerSimulation.run(seed: seed)
            if let broken = report.brokenPromise {
                Issue.record("seed \(seed), step \(report.step): \(broken)")
                return
            }
            seed += 1
        }
    }

    private static func differingTrace(seed: UInt64, mutation: SimulationMutation?) throws -> BrokenPromise? {
        let first = try SchedulerSimulation.run(seed: seed, mutation: mutation)
        let second = try SchedulerSimulation.run(seed: seed, mutation: mutation)
        if first.trace == second.trace { return nil }
        return BrokenPromise(.sameTrace, "two runs differ within \(max(first.step, second.step)) steps")
    }
}

/// How long the long run takes; 0 leaves it out.
private let secondsToRun =
    ProcessInfo.processInfo.environment["KEYHOLD_SIMULATION_SECONDS"].flatMap { Int($0) } ?? 0
