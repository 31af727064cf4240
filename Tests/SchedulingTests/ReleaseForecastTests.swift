import Generation
import Testing

@testable import Scheduling

/// Predictions of when there will be room.
@Suite struct ReleaseForecastTests {
    /// One token a second, all that are allowed, prompts for nothing.
    private var pace: StepPace {
        var pace = StepPace()
        pace.stepTook(StepPlan(decode: [SequenceID(0)]), seconds: 1)
        return pace
    }

    @Test func nothingIsKnownBeforeTheFirstStep() throws {
        let scheduler = try Scheduler.with()
        #expect(scheduler.secondsUntilStart(of: [.with(1)], pace: StepPace()) == nil)
        #expect(scheduler.secondsUntilPlaces(for: [.with(1)], pace: StepPace()) == nil)
    }

    @Test func roomThatIsThereIsThereNow() throws {
        let scheduler = try Scheduler.with()
        #expect(scheduler.secondsUntilStart(of: [.with(1)], pace: pace) == 0)
        #expect(scheduler.wouldStart([.with(1), .with(2)], now: .zero))
        #expect(scheduler.hasRoom(sequences: 4, bytes: 100, for: .anonymous))
        #expect(!scheduler.hasRoom(sequences: 5, bytes: 100, for: .anonymous))
        #expect(!scheduler.hasRoom(sequences: 1, bytes: 101, for: .anonymous))
    }

    @Test func aSeatIsFreeWhenTheFirstSequenceEnds() throws {
        var scheduler = try Scheduler.with(sequences: 2)
        _ = scheduler.submit([.with(1, new: 31), .with(2, new: 11)], now: .zero)
        scheduler.step()
        scheduler.step()
        #expect(!scheduler.wouldStart([.with(3)], now: .zero))
        // The prompts are read by now, at most one decode row has passed.
        let seconds = try #require(scheduler.secondsUntilStart(of: [.with(3)], pace: pace))
        #expect((9...10).contains(seconds), "\(seconds)")
    }

    @Test func bytesAreFreeWhenEnoughSequencesHaveEnded() throws {
        var scheduler = try Scheduler.with(sequences: 8, pool: 30)
        _ = scheduler.submit([.with(1, new: 11, steady: 10), .with(2, new: 21, steady: 10)], now: .zero)
        for _ in 0..<2 { scheduler.step() }
        let small = try #require(scheduler.secondsUntilStart(of: [.with(3, peak: 10)], pace: pace))
        let large = try #require(scheduler.secondsUntilStart(of: [.with(3, peak: 30)], pace: pace))
        #expect(small == 0)
        #expect((19...20).contains(large), "\(large)")
    }

    @Test func whoWaitsAlreadyGoesFirst() throws {
        var scheduler = try Scheduler.with(sequences: 1)
        _ = scheduler.submit([.with(1, new: 11), .with(2, new: 101)], now: .zero)
        for _ in 0..<2 { scheduler.step() }
        let seconds = try #require(scheduler.secondsUntilStart(of: [.with(3)], pace: pace))
        #expect((109...110).contains(seconds), "\(seconds)")
    }

    @Test func aPlaceInTheQueueIsFreeWhenSomebodyStarts() throws {
        var scheduler = try Scheduler.with(sequences: 1, queued: 2)
        _ = scheduler.submit([.with(1, new: 11)], now: .zero)
        for _ in 0..<2 { scheduler.step() }
        _ = scheduler.submit([.with(2, new: 6), .with(3)], now: .zero)
        let one = try #require(scheduler.secondsUntilPlaces(for: [.with(4)], pace: pace))
        let two = try #require(scheduler.secondsUntilPlaces(for: [.with(4), .with(5)], pace: pace))
        #expect((9...10).contains(one), "\(one)")
        #expect((14...15).contains(two), "\(two)")
    }

    @Test func aTenantsOwnLimitCounts() throws {
        let tenant = Tenant(id: 1, mostBytes: 10)
        var scheduler = try Scheduler.with(sequences: 8)
        _ = scheduler.submit([.with(1, new: 41, steady: 10, tenant: tenant)], now: .zero)
        for _ in 0..<2 { scheduler.step() }
        #expect(scheduler.freeBytes(for: tenant) == 0)
        #expect(scheduler.freeBytes(for: .anonymous) == 90)
        let seconds = try #require(scheduler.secondsUntilStart(of: [.with(2, tenant: tenant)], pace: pace))
        #expect((39...40).contains(seconds), "\(seconds)")
        #expect(scheduler.secondsUntilStart(of: [.with(3)], pace: pace) == 0)
    }

    @Test func sequencesThatUsuallyEndEarlyAreExpectedTo() {
        var pace = pace
        #expect(pace.decodeSeconds(done: 0, limit: 100) == 100)
        for _ in 0..<200 { pace.ended(generated: 25, of: 100) }
        #expect((25...26).contains(pace.decodeSeconds(done: 0, limit: 100)))
        // One that has outlived the expectation ends any moment.
        #expect(pace.decodeSeconds(done: 60, limit: 100) == 1)
        #expect(pace.decodeSeconds(done: 100, limit: 100) == 0)
    }

    @Test func promptsCostWhatTheyAddToAStep() {
        var pace = pace
        let piece = PrefillPiece(sequence: SequenceID(1), layers: 0..<2, rows: 0..<10)
        pace.stepTook(StepPlan(decode: [SequenceID(0)], prefill: [piece]), seconds: 3)
        #expect(pace.prefillSeconds(rowLayers: 20) == 2)
    }

    /// Against a scheduler that really runs: one step a second, tokens as planned.
    @Test(arguments: UInt64(0)..<40)
    func predictionsAgreeWithWhatHappens(seed: UInt64) throws {
        var random = SimulationRandom(seed: seed)
        var scheduler = try Scheduler.with(sequences: 3, queued: 16, layers: 2, rows: 64, pool: 60)
        var pace = StepPace()
        var now = Duration.zero
        for id in 1...8 {
            _ = scheduler.submit([.with(UInt64(id), new: 2 + Int(random.next() % 30), steady: 10)], now: now)
        }
        let probe = Admission.with(99)
        var predicted: Double?
        for step in 0..<500 {
            if step == 6 { predicted = scheduler.secondsUntilStart(of: [probe], pace: pace) }
            if predicted != nil, scheduler.hasRoom(sequences: 1, bytes: probe.startBytes, for: .anonymous) {
                let actual = Double(now.components.seconds) - 6
                #expect(abs(actual - (predicted ?? 0)) <= 4, "predicted \(predicted ?? 0), was \(actual)")
                return
            }
            let plan = scheduler.nextStep(now: now).plan
            now += .seconds(1)
            pace.stepTook(plan, seconds: 1)
            scheduler.completed(plan, now: now)
            for sequence in scheduler.running {
                if case .decode(let rows) = sequence.phase, rows >= sequence.admission.maxDecodeRows {
                    scheduler.finish(sequence.id, now: now)
                }
            }
        }
        Issue.record("there was never room")
    }
}
