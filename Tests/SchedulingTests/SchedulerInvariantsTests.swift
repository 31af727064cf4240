import Generation
import Testing

@testable import Scheduling

/// `brokenInvariant` sees each kind of damage.
@Suite struct SchedulerInvariantsTests {
    /// Two running sequences, the first decoding, and one that waits; `damage` is done to them.
    private func broken(_ damage: (inout Scheduler) -> Void) throws -> String? {
        var scheduler = try Scheduler.with(sequences: 2, queued: 2, layers: 1)
        let deadline = Duration.seconds(9)
        _ = scheduler.submit([.with(1, deadline: deadline), .with(2, prompt: 30)], now: .zero)
        scheduler.step()
        _ = scheduler.submit([.with(3, deadline: deadline)], now: .zero)
        damage(&scheduler)
        return scheduler.brokenInvariant()
    }

    @Test func soundBooksAreSilent() throws {
        #expect(try broken { _ in } == nil)
    }

    @Test func damageIsNamed() throws {
        #expect(try broken { $0.reservedBytes += 1 }?.contains("footprints") == true)
        #expect(
            try broken {
                $0.running.append(RunningSequence(admission: .with(9), isPaused: false))
                $0.reservedBytes += 10
            }?.contains("3 sequences run") == true)
        #expect(
            try broken {
                $0.waiting.append(WaitingSequence(admission: .with(8)))
                $0.waiting.append(WaitingSequence(admission: .with(9)))
            }?.contains("3 sequences wait") == true)
        #expect(
            try broken { $0.waiting.append(WaitingSequence(admission: .with(1))) }?.contains("twice") == true)
        #expect(try broken { $0.running[1].phase = .prefill(layer: 1, row: 0) }?.contains("layer 1") == true)
        #expect(try broken { $0.running[1].phase = .prefill(layer: 0, row: 30) }?.contains("row 30") == true)
        #expect(
            try broken {
                $0.running[1] = RunningSequence(
                    admission: .with(2, byRows: true), phase: .prefill(layer: 1, row: 0), isPaused: false)
            }?.contains("layer 1") == true)
        #expect(try broken { $0.running[0].phase = .decode(rows: 4) }?.contains("4 rows of 3") == true)
        #expect(try broken { $0.deadlineBound = nil }?.contains("not watched") == true)
        #expect(try broken { $0.deadlineBound = .seconds(10) }?.contains("not watched") == true)
        #expect(
            try broken {
                $0.running[1] = RunningSequence(admission: .with(2, peak: 200), isPaused: false)
                $0.reservedBytes += 190
            }?.contains("of 100") == true)
    }
}
