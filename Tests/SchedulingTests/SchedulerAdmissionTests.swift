import Generation
import Testing

@testable import Scheduling

@Suite struct SchedulerAdmissionTests {
    @Test func placeIsTheNumberOfSequencesAhead() throws {
        var scheduler = try Scheduler.with()
        #expect(scheduler.submit([.with(1), .with(2)], now: .zero) == .queued(place: 0))
        #expect(scheduler.submit([.with(3)], now: .zero) == .queued(place: 2))
    }

    @Test func groupIsQueuedWholeOrNotAtAll() throws {
        var scheduler = try Scheduler.with(queued: 3)
        #expect(scheduler.submit([.with(1), .with(2)], now: .zero) == .queued(place: 0))
        #expect(scheduler.submit([.with(3), .with(4)], now: .zero) == .queueFull(retryAfterSeconds: 1))
        #expect(
            scheduler.submit([.with(5), .with(6, peak: 101)], now: .zero)
                == .neverFits(neededBytes: 101, limitBytes: 100))
        #expect(scheduler.statistics.waiting == 2)
        #expect(scheduler.submit([.with(7)], now: .zero) == .queued(place: 2))
    }

    @Test func whatCanNeverWorkIsNotAskedToRetry() throws {
        var scheduler = try Scheduler.with(queued: 2)
        #expect(
            scheduler.submit([.with(1), .with(2), .with(3)], now: .zero) == .groupTooLarge(sequences: 3, limit: 2))
        _ = scheduler.submit([.with(4), .with(5)], now: .zero)
        #expect(
            scheduler.submit([.with(6, peak: 1, steady: 101)], now: .zero)
                == .neverFits(neededBytes: 101, limitBytes: 100))
    }

    @Test func startsInOrderWhileSeatsAndBytesLast() throws {
        var scheduler = try Scheduler.with(sequences: 2, pool: 25)
        _ = scheduler.submit([.with(1), .with(2), .with(3)], now: .zero)
        #expect(scheduler.step().started == [SequenceID(1), SequenceID(2)])
        #expect(scheduler.statistics.waiting == 1)
        scheduler.finish(SequenceID(2), now: .zero)
        #expect(scheduler.step().started == [SequenceID(3)])
    }

    @Test func nobodyOvertakesALargeRequest() throws {
        var scheduler = try Scheduler.with(pool: 100)
        _ = scheduler.submit([.with(1), .with(2, peak: 100), .with(3, peak: 1, steady: 1)], now: .zero)
        #expect(scheduler.step().started == [SequenceID(1)])
        #expect(scheduler.step().started.isEmpty)
        scheduler.finish(SequenceID(1), now: .zero)
        #expect(scheduler.step().started == [SequenceID(2)])
    }

    @Test func aPausedWaitingSequenceIsPassedOverAndKeepsItsPlace() throws {
        var scheduler = try Scheduler.with(sequences: 1)
        _ = scheduler.submit([.with(1), .with(2), .with(3)], now: .zero)
        scheduler.pause(SequenceID(1))
        #expect(scheduler.step().started == [SequenceID(2)])
        scheduler.resume(SequenceID(1))
        scheduler.finish(SequenceID(2), now: .zero)
        #expect(scheduler.step().started == [SequenceID(1)])
    }

    @Test func bytesDropAfterThePromptAndAreFreeAfterTheEnd() throws {
        var scheduler = try Scheduler.with(layers: 1, rows: 8)
        _ = scheduler.submit([.with(1, prompt: 12, peak: 90, steady: 20), .with(2, peak: 30)], now: .zero)
        #expect(scheduler.step().started == [SequenceID(1)])
        #expect(scheduler.statistics.reservedBytes == 90)
        #expect(scheduler.step().started.isEmpty)
        #expect(scheduler.statistics.reservedBytes == 20)
        #expect(scheduler.step().started == [SequenceID(2)])
        scheduler.finish(SequenceID(1), now: .zero)
        scheduler.finish(SequenceID(2), now: .zero)
        #expect(scheduler.statistics.reservedBytes == 0)
        #expect(scheduler.isEmpty)
    }

    /// A cache that grows after the prompt is charged from the start: a running sequence never asks for more.
    @Test func reservationsNeverGrow() throws {
        var scheduler = try Scheduler.with()
        _ = scheduler.submit([.with(1, peak: 10, steady: 60), .with(2, peak: 41, steady: 1)], now: .zero)
        #expect(scheduler.step().started == [SequenceID(1)])
        #expect(scheduler.statistics.reservedBytes == 60)
        scheduler.step()
        #expect(scheduler.statistics.reservedBytes == 60)
    }

    @Test func poolOfAllBytesDoesNotOverflow() throws {
        var scheduler = try Scheduler.with(pool: .max)
        _ = scheduler.submit([.with(1, peak: .max), .with(2, peak: .max)], now: .zero)
        #expect(scheduler.step().started == [SequenceID(1)])
        #expect(scheduler.brokenInvariant() == nil)
    }

    @Test func deadlinesEndWaitingAndRunningSequences() throws {
        var scheduler = try Scheduler.with(sequences: 1)
        _ = scheduler.submit(
            [.with(1, deadline: .seconds(5)), .with(2, deadline: .seconds(3)), .with(3)], now: .zero)
        #expect(scheduler.nextDeadline == .seconds(3))
        #expect(scheduler.step(.seconds(2)).expired.isEmpty)
        #expect(scheduler.step(.seconds(3)).expired == [SequenceID(2)])
        #expect(scheduler.nextDeadline == .seconds(5))
        let step = scheduler.step(.seconds(6))
        #expect(step.expired == [SequenceID(1)])
        #expect(step.started == [SequenceID(3)])
        #expect(scheduler.nextDeadline == nil)
        #expect(scheduler.finish(SequenceID(1), now: .seconds(6)) == false)
    }

    @Test func retryAfterFollowsTheDepartures() throws {
        var scheduler = try Scheduler.with(sequences: 1, queued: 4)
        _ = scheduler.submit([.with(1), .with(2), .with(3), .with(4)], now: .zero)
        for second in 1...2 {
            scheduler.step(.seconds(10 * (second - 1)))
            scheduler.finish(SequenceID(UInt64(second)), now: .seconds(10 * second))
        }
        _ = scheduler.submit([.with(5), .with(6)], now: .seconds(20))
        // One leaves in 10 s: a group of three waits for three places.
        #expect(
            scheduler.submit([.with(7), .with(8), .with(9)], now: .seconds(20)) == .queueFull(retryAfterSeconds: 30))
    }

    @Test func aTenantWithManyDoesNotHoldUpOneWithFew() throws {
        var scheduler = try Scheduler.with(sequences: 2)
        let (heavy, light) = (Tenant(id: 1), Tenant(id: 2))
        _ = scheduler.submit((1...6).map { .with($0, tenant: heavy) }, now: .zero)
        #expect(scheduler.nextStep(now: .zero).started == [SequenceID(1), SequenceID(2)])
        _ = scheduler.submit([.with(9, tenant: light)], now: .seconds(1))
        scheduler.finish(SequenceID(1), now: .seconds(1))
        #expect(scheduler.nextStep(now: .seconds(1)).started == [SequenceID(9)])
    }

    @Test func aTenantsLimitsAreKeptWhileOthersStart() throws {
        var scheduler = try Scheduler.with(sequences: 4, pool: 100)
        let limited = Tenant(id: 1, mostBytes: 15)
        _ = scheduler.submit([.with(1, tenant: limited), .with(2, tenant: limited)], now: .zero)
        _ = scheduler.submit([.with(3)], now: .zero)
        #expect(scheduler.nextStep(now: .zero).started == [SequenceID(1), SequenceID(3)])
        scheduler.finish(SequenceID(1), now: .zero)
        #expect(scheduler.nextStep(now: .zero).started == [SequenceID(2)])
        #expect(
            scheduler.submit([.with(4, peak: 16, tenant: limited)], now: .zero)
                == .neverFits(neededBytes: 16, limitBytes: 15))
    }

    @Test func aHigherPriorityGoesFirst() throws {
        var scheduler = try Scheduler.with(sequences: 1)
        _ = scheduler.submit([.with(1), .with(2), .with(3, priority: 5)], now: .zero)
        #expect(scheduler.nextStep(now: .zero).started == [SequenceID(3)])
    }
}
