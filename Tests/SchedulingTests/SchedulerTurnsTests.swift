import Generation
import Testing

@testable import Scheduling

/// Steps that a tenant with many sequences shares with one that has few.
@Suite struct SchedulerTurnsTests {
    private let heavy = Tenant(id: 1)
    private let light = Tenant(id: 2)

    /// 50 sequences of the heavy tenant decode; `tenant` is whose.
    private func busyScheduler(priority: Int = 0) throws -> Scheduler {
        var scheduler = try Scheduler.with(sequences: 64, queued: 64, layers: 2, rows: 64, pool: 10_000)
        _ = scheduler.submit(
            (1...50).map { .with($0, prompt: 1, new: 1000, tenant: heavy, priority: priority) }, now: .zero)
        for second in 0..<3 { scheduler.step(.seconds(second)) }
        #expect(scheduler.step(.seconds(3)).plan.decode.count == 50)
        return scheduler
    }

    @Test func whoIsAloneHasTheWholeStep() throws {
        var scheduler = try busyScheduler()
        #expect(scheduler.dividing == nil)
        for second in 4..<20 { #expect(scheduler.step(.seconds(second)).plan.decode.count == 50) }
    }

    @Test func aShortPromptIsReadAtOnceAndAlone() throws {
        var scheduler = try busyScheduler()
        _ = scheduler.submit([.with(99, prompt: 7, new: 3, tenant: light)], now: .seconds(4))
        #expect(scheduler.step(.seconds(4)).plan == StepPlan(prefill: [.piece(99, layers: 0..<2, rows: 0..<7)]))
        let next = scheduler.step(.seconds(5)).plan
        #expect(next.decode.contains(SequenceID(99)))
        #expect(next.decode.count == 1 + scheduler.turnSize.rows)
    }

    @Test func nobodySitsOutTwice() throws {
        var scheduler = try busyScheduler()
        for turn in 0..<10 {
            _ = scheduler.submit([.with(100 + UInt64(turn), prompt: 7, new: 1, tenant: light)], now: .seconds(4 + turn))
            let plan = scheduler.step(.seconds(4 + turn)).plan
            #expect(plan.prefill.count == 1)
            #expect(plan.decode.isEmpty == (turn % 2 == 0), "step \(turn)")
            scheduler.finish(SequenceID(100 + UInt64(turn)), now: .seconds(4 + turn))
        }
    }

    @Test func everybodyHasATurnBeforeAnybodyHasTwo() throws {
        var scheduler = try busyScheduler()
        _ = scheduler.submit([.with(99, prompt: 1, new: 1000, tenant: light)], now: .seconds(4))
        scheduler.step(.seconds(4))
        var rows: [SequenceID: Int] = [:]
        for tenth in 0..<250 {
            for id in scheduler.step(.seconds(5) + .milliseconds(tenth)).plan.decode { rows[id, default: 0] += 1 }
        }
        #expect(rows.removeValue(forKey: SequenceID(99)) == 250)
        #expect(rows.count == 50)
        let (least, most) = (rows.values.min() ?? 0, rows.values.max() ?? 0)
        #expect(least > 0 && most - least <= 1, "\(least) to \(most)")
    }

    @Test func stepsStayShortForAMomentAfterTheLightTenantHasLeft() throws {
        var scheduler = try busyScheduler()
        _ = scheduler.submit([.with(99, prompt: 7, new: 1, tenant: light)], now: .seconds(4))
        scheduler.step(.seconds(4))
        scheduler.finish(SequenceID(99), now: .seconds(5))
        #expect(scheduler.step(.seconds(6)).plan.decode.count == scheduler.turnSize.rows)
        #expect(scheduler.step(.seconds(14)).plan.decode.count < 50)
        #expect(scheduler.step(.seconds(16)).plan.decode.count == 50)
    }

    @Test func promptsOfThoseBehindAreReadInSmallParts() throws {
        var scheduler = try busyScheduler()
        _ = scheduler.submit([.with(98, prompt: 64, byRows: true, tenant: heavy)], now: .seconds(4))
        _ = scheduler.submit([.with(99, prompt: 1, new: 1000, tenant: light)], now: .seconds(4))
        scheduler.step(.seconds(4))
        let plan = scheduler.step(.seconds(5)).plan
        #expect(plan.prefill.map(\.sequence) == [SequenceID(98)])
        #expect(plan.prefill.map(\.rows.count) == [4])
        #expect(plan.decode.count == 1 + 4)
    }

    @Test func whoHasAsMuchHasAsMuchOfAStep() throws {
        var scheduler = try busyScheduler()
        // Ten of a tenant that had nothing before: it is ahead, and the other has as many rows.
        _ = scheduler.submit(
            (101...112).map { .with($0, prompt: 1, new: 1000, tenant: light) }, now: .seconds(4))
        scheduler.step(.seconds(4))
        let plan = scheduler.step(.seconds(4)).plan
        #expect(plan.decode.count { $0.rawValue > 100 } == 12)
        #expect(plan.decode.count { $0.rawValue < 100 } == 12)
    }

    @Test func aHigherPriorityIsNeverBehindALowerOne() throws {
        var scheduler = try busyScheduler(priority: 1)
        _ = scheduler.submit([.with(99, prompt: 7, new: 3, tenant: light)], now: .seconds(4))
        #expect(scheduler.step(.seconds(4)).plan.decode.count == 50)
    }

    @Test func weightsCountInWhatIsAShare() {
        let shares = [
            StepDivision.Share(tenant: 1, recent: 100 / 4, priority: 0),
            StepDivision.Share(tenant: 2, recent: 20, priority: 0),
        ]
        #expect(!StepDivision(shares: shares).isBehind(.with(1, tenant: heavy)))
        let unweighted = [StepDivision.Share(tenant: 1, recent: 100, priority: 0), shares[1]]
        #expect(StepDivision(shares: unweighted).isBehind(.with(1, tenant: heavy)))
        #expect(!StepDivision(shares: unweighted).isBehind(.with(2, tenant: light)))
    }

    @Test func manyHeavyOnesAreAllBehindALightOne() {
        let shares = (0..<10).map { StepDivision.Share(tenant: $0, recent: $0 == 2 ? 1 : 100, priority: 0) }
        #expect(StepDivision(shares: shares).isBehind(.with(1, tenant: heavy)))
        #expect(!StepDivision(shares: shares).isBehind(.with(2, tenant: light)))
    }

    @Test func turnsShrinkWhileTheyTakeLongerThanAPromptAndGrowAgain() {
        var size = TurnSize()
        func complete(_ prompt: Int, _ turn: Int, milliseconds: Int) {
            let step = TurnSize.Step(begin: .zero, promptRows: prompt, turnRows: turn)
            size.completed(step, now: .milliseconds(milliseconds))
        }
        complete(0, 8, milliseconds: 500)
        #expect(size.rows == 8, "nothing to compare with")
        complete(7, 0, milliseconds: 10)
        #expect(size.hasSatOut)
        for _ in 0..<10 { complete(0, size.rows, milliseconds: 20) }
        #expect(size.rows == TurnSize.least && !size.hasSatOut)
        for _ in 0..<100 { complete(0, size.rows, milliseconds: 5) }
        #expect(size.rows == TurnSize.most)
        complete(0, 1, milliseconds: 5)
        #expect(size.rows == TurnSize.most)
    }

    @Test func anEighthIsLeftToWhoHasNothing() throws {
        var scheduler = try Scheduler.with(sequences: 8, queued: 8, pool: 100)
        _ = scheduler.submit([.with(90, prompt: 1, new: 1, tenant: light)], now: .zero)
        scheduler.step()
        scheduler.finish(SequenceID(90), now: .zero)
        let many = (1...7).map { Admission.with($0, tenant: heavy) }
        #expect(scheduler.submit(many, now: .zero) == .queued(place: 0))
        #expect(scheduler.submit([.with(8, tenant: heavy)], now: .zero) == .queueFull(retryAfterSeconds: 1))
        #expect(scheduler.submit([.with(91, peak: 20, tenant: light)], now: .zero) == .queued(place: 7))
        // As soon as the light one has started there is nobody to leave anything to.
        #expect(scheduler.nextStep(now: .zero).started == [1, 91, 2, 3, 4, 5, 6, 7].map { SequenceID($0) })
        scheduler.finish(SequenceID(91), now: .zero)
        _ = scheduler.submit([.with(9, peak: 10, tenant: heavy)], now: .zero)
        #expect(scheduler.nextStep(now: .zero).started.isEmpty)
        #expect(scheduler.freeBytes(for: heavy) == 100 - 70 - 12)
        #expect(scheduler.freeBytes(for: light) == 30)
        _ = scheduler.submit([.with(92, peak: 30, tenant: light)], now: .zero)
        #expect(scheduler.nextStep(now: .zero).started == [SequenceID(92)])
    }

    @Test func whoWasAlwaysAloneHasEverything() throws {
        var scheduler = try Scheduler.with(sequences: 8, queued: 8, pool: 80)
        #expect(scheduler.submit((1...8).map { .with($0, tenant: heavy) }, now: .zero) == .queued(place: 0))
        #expect(scheduler.nextStep(now: .zero).started.count == 8)
    }
}
