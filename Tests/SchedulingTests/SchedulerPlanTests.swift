import Generation
import Testing

@testable import Scheduling

@Suite struct SchedulerPlanTests {
    @Test func aShortPromptPassesSeveralLayersAtOnce() throws {
        var scheduler = try Scheduler.with(layers: 3, rows: 8)  // 24 row-layers
        _ = scheduler.submit([.with(1, prompt: 10)], now: .zero)
        #expect(scheduler.step().plan.prefill == [.piece(1, layers: 0..<2, rows: 0..<10)])
        #expect(scheduler.step().plan.prefill == [.piece(1, layers: 2..<3, rows: 0..<10)])
        #expect(scheduler.step().plan == StepPlan(decode: [SequenceID(1)]))
    }

    @Test func aLongPromptPassesEachLayerInEqualParts() throws {
        var scheduler = try Scheduler.with(layers: 2, rows: 8)  // 16 row-layers
        _ = scheduler.submit([.with(1, prompt: 20)], now: .zero)
        let pieces = (0..<4).flatMap { _ in scheduler.step().plan.prefill }
        #expect(
            pieces == [
                .piece(1, layers: 0..<1, rows: 0..<10), .piece(1, layers: 0..<1, rows: 10..<20),
                .piece(1, layers: 1..<2, rows: 0..<10), .piece(1, layers: 1..<2, rows: 10..<20),
            ])
        #expect(scheduler.statistics.prefilling == 0)
    }

    @Test func aPromptThatPassesByRowsHasAllLayersInEachPiece() throws {
        var scheduler = try Scheduler.with(layers: 2, rows: 8)  // 16 row-layers
        _ = scheduler.submit([.with(1, prompt: 20, byRows: true), .with(2, prompt: 9, byRows: true)], now: .zero)
        let pieces = (0..<4).flatMap { _ in scheduler.step().plan.prefill }
        #expect(
            pieces == [
                .piece(1, layers: 0..<2, rows: 0..<7), .piece(1, layers: 0..<2, rows: 7..<14),
                .piece(1, layers: 0..<2, rows: 14..<20), .piece(2, layers: 0..<2, rows: 0..<5),
            ])
        #expect(scheduler.step().plan.prefill == [.piece(2, layers: 0..<2, rows: 5..<9)])
    }

    @Test func theOldestPromptIsServedFirstAndTheNextTakeTheRest() throws {
        var scheduler = try Scheduler.with(layers: 1, rows: 64)
        _ = scheduler.submit([.with(1, prompt: 40), .with(2, prompt: 40), .with(3, prompt: 9)], now: .zero)
        // Two parts for the second prompt either way, so equal ones.
        #expect(
            scheduler.step().plan.prefill
                == [.piece(1, layers: 0..<1, rows: 0..<40), .piece(2, layers: 0..<1, rows: 0..<20)])
        #expect(
            scheduler.step().plan.prefill
                == [.piece(2, layers: 0..<1, rows: 20..<40), .piece(3, layers: 0..<1, rows: 0..<9)])
    }

    /// Who comes first in a burst does not wait for those behind, and half of all are done after half of the time.
    @Test(arguments: [true, false])
    func thePromptsOfABurstEndOneAfterTheOther(byRows: Bool) throws {
        var scheduler = try Scheduler.with(sequences: 8, layers: 30, rows: 256)
        let prompts = (UInt64(1)...8).map { Admission.with($0, prompt: 512, byRows: byRows, peak: 10, steady: 10) }
        _ = scheduler.submit(prompts, now: .zero)
        var ends: [Int] = []
        for step in 1...18 {
            scheduler.step()
            let done = 8 - scheduler.statistics.prefilling
            while ends.count < done { ends.append(step) }
        }
        // Two steps' work each; the decode rows of those that are done slow the last ones down.
        #expect(ends.count == 8)
        for (index, end) in ends.enumerated() { #expect(end <= 2 * (index + 1) + 1, "prompt \(index + 1)") }
    }

    @Test func aLaterPromptIsNotFedCrumbs() throws {
        var scheduler = try Scheduler.with(layers: 1, rows: 48)
        _ = scheduler.submit([.with(1, prompt: 40), .with(2, prompt: 40)], now: .zero)
        #expect(scheduler.step().plan.prefill == [.piece(1, layers: 0..<1, rows: 0..<40)])
    }

    @Test func promptsAdvanceWhileDecodeRowsFillTheStep() throws {
        var scheduler = try Scheduler.with(sequences: 10, queued: 10, layers: 4, rows: 8)
        _ = scheduler.submit((1...9).map { .with($0, prompt: 1, new: 1000, peak: 1, steady: 1) }, now: .zero)
        while scheduler.statistics.prefilling > 0 || scheduler.statistics.waiting > 0 { scheduler.step() }
        _ = scheduler.submit([.with(99, prompt: 64, peak: 1, steady: 1)], now: .zero)
        for step in 0..<32 {
            let plan = scheduler.step().plan
            #expect(plan.decode.count == 9)
            #expect(plan.prefill.map(\.rows.count) == [8], "step \(step)")  // a quarter of 32 row-layers
        }
        #expect(scheduler.step().plan.decode.count == 10)
    }

    @Test func everybodyDecodesInEveryStepUntilTheLimit() throws {
        var scheduler = try Scheduler.with(layers: 1)
        _ = scheduler.submit([.with(1, new: 3), .with(2, new: 1), .with(3, new: 0)], now: .zero)
        scheduler.step()
        // The prompt gave the first token of each.
        #expect(scheduler.step().plan.decode == [SequenceID(1)])
        #expect(scheduler.step().plan.decode == [SequenceID(1)])
        #expect(scheduler.step().plan.isEmpty)
        #expect(!scheduler.hasWork && !scheduler.isEmpty)
    }

    @Test func aPausedSequenceKeepsItsBytesAndIsNotPlanned() throws {
        var scheduler = try Scheduler.with(layers: 1)
        _ = scheduler.submit([.with(1), .with(2, prompt: 20)], now: .zero)
        scheduler.step()
        scheduler.pause(SequenceID(1))
        scheduler.pause(SequenceID(2))
        let reserved = scheduler.statistics.reservedBytes
        #expect(scheduler.step().plan.isEmpty)
        #expect(!scheduler.hasWork)
        #expect(scheduler.statistics.reservedBytes == reserved)
        #expect(scheduler.statistics.paused == 2)
        scheduler.resume(SequenceID(1))
        #expect(scheduler.step().plan.decode == [SequenceID(1)])
        scheduler.resume(SequenceID(2))
        #expect(scheduler.step().plan.prefill.map(\.sequence) == [SequenceID(2)])
    }

    @Test func aSequenceThatEndsDuringTheStepIsSkipped() throws {
        var scheduler = try Scheduler.with(layers: 1)
        _ = scheduler.submit([.with(1), .with(2), .with(3, prompt: 30)], now: .zero)
        scheduler.step()
        let plan = scheduler.nextStep(now: .zero).plan
        for id in [UInt64(1), 3] { scheduler.finish(SequenceID(id), now: .zero) }
        scheduler.completed(plan, now: .zero)
        #expect(scheduler.step().plan == StepPlan(decode: [SequenceID(2)]))
        #expect(scheduler.brokenInvariant() == nil)
    }

    @Test func planningTwicePlansTheSame() throws {
        var scheduler = try Scheduler.with()
        _ = scheduler.submit([.with(1, prompt: 30), .with(2)], now: .zero)
        let first = scheduler.nextStep(now: .zero)
        let second = scheduler.nextStep(now: .zero)
        #expect(first.plan == second.plan)
        #expect(second.started.isEmpty)
    }

    @Test func unknownSequencesAreIgnored() throws {
        var scheduler = try Scheduler.with()
        scheduler.pause(SequenceID(5))
        scheduler.resume(SequenceID(5))
        #expect(scheduler.finish(SequenceID(5), now: .zero) == false)
        #expect(scheduler.isEmpty && !scheduler.hasWork)
        #expect(scheduler.step().plan.isEmpty)
    }

    @Test func aPlanThatWasNotMadeHereStopsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            var scheduler = try Scheduler.with()
            _ = scheduler.submit([.with(1)], now: .zero)
            scheduler.step()
            scheduler.completed(StepPlan(prefill: [.piece(1, layers: 0..<1, rows: 0..<4)]), now: .zero)
        }
    }
}
