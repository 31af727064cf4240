import Generation
import KVCaching
import Observability
import Scheduling
import Testing

@testable import Serving

/// `on_pool_full`: what becomes of requests without room.
@Suite struct PoolFittingTests {
    private let prompt: [TokenID] = (0..<40).map { TokenID(3 + $0 % 10) }

    private func request(_ choice: PoolFullChoice, tokens: Int = 40, budget: Int? = nil, least: Int? = nil)
        -> GenerationRequest
    {
        var request = GenerationRequest.greedy(prompt, maxTokens: tokens)
        request.cache.policy = "window"
        request.cache.budget = budget.map { .tokens($0) }
        request.cache.onPoolFull = choice
        request.cache.minBudgetTokens = least
        return request
    }

    /// Bytes that one such request reserves.
    private func bytes(_ request: GenerationRequest) throws -> Int {
        let planner = SubmissionPlanner(configuration: try LoopHarness.configuration())
        return try planner.sequences(of: [request]) { SequenceID(0) }[0].startBytes
    }

    @Test func rejectStartsWhereThereIsRoom() throws {
        let harness = try LoopHarness()
        let (_, log) = try harness.submit(request(.reject))
        #expect(harness.runUntilIdle() == nil)
        #expect(log.choice().finished?.reason == .length)
    }

    @Test func rejectDoesNotWait() throws {
        let harness = try LoopHarness(maxSequences: 1)
        let (_, first) = try harness.submit(request(.queue, tokens: 60))
        for _ in 0..<20 { harness.turn() }
        let (_, second) = try harness.submit(request(.reject))
        harness.turn()
        guard case .rejected(.poolFull(let seconds)) = second.events.first else { throw TestFailure("not rejected") }
        // 10 ms a step.
        #expect(seconds == 1)
        #expect(second.events.count == 1)
        #expect(harness.runUntilIdle() == nil)
        #expect(first.choice().finished?.reason == .length)
        #expect(harness.metricsText.contains("keyhold_admission_rejections_total{reason=\"pool_full\"} 1"))
        #expect(harness.metricsText.contains("keyhold_retry_after_error_seconds_count 1"))
        #expect(harness.liveRequests.isZero)
    }

    @Test func retryAfterIsThePredictedTime() throws {
        let harness = try LoopHarness(maxSequences: 1, context: 4096, stepTime: .seconds(1))
        let (_, _) = try harness.submit(request(.queue, tokens: 60))
        for _ in 0..<30 { harness.turn() }
        let (_, second) = try harness.submit(request(.reject))
        harness.turn()
        guard case .rejected(.poolFull(let seconds)) = second.events.first else { throw TestFailure("not rejected") }
        let start = harness.time
        #expect(harness.runUntilIdle() == nil)
        let actual = (harness.time - start) / .seconds(1)
        #expect(abs(actual - Double(seconds)) <= 3, "told \(seconds), was \(actual)")
    }

    @Test func shrinkGivesTheLargestBudgetThatFits() throws {
        let full = try bytes(request(.queue))
        let harness = try LoopHarness(poolBytes: full + full * 7 / 10)
        let (_, _) = try harness.submit(request(.queue))
        for _ in 0..<3 { harness.turn() }
        let (_, second) = try harness.submit(request(.shrink, least: 8))
        harness.turn()
        guard case .accepted(let caches) = second.events.first else { throw TestFailure("not accepted") }
        #expect(caches[0].budgetTokens < 79)
        #expect(caches[0].budgetTokens > 8)
        #expect(max(caches[0].peakBytes, caches[0].steadyBytes) <= full * 7 / 10)
        #expect(harness.record.current.admitted == 2)
        #expect(harness.runUntilIdle() == nil)
        let usage = try #require(second.choice().finished?.usage)
        #expect(usage.cache.isShrunk)
        #expect(usage.cache.budgetTokens == caches[0].budgetTokens)
        #expect(harness.metricsText.contains("keyhold_kv_shrinks_total 1"))
    }

    @Test func shrinkBelowTheFloorWaitsWithTheFloor() throws {
        let full = try bytes(request(.queue))
        let harness = try LoopHarness(poolBytes: full + 64)
        let (_, _) = try harness.submit(request(.queue))
        for _ in 0..<3 { harness.turn() }
        let (_, second) = try harness.submit(request(.shrink, least: 30))
        harness.turn()
        guard case .accepted(let caches) = second.events.first else { throw TestFailure("not accepted") }
        #expect(caches[0].budgetTokens == 30)
        #expect(harness.record.current.admitted == 1)
        #expect(harness.runUntilIdle() == nil)
        #expect(second.choice().finished?.reason == .length)
    }

    @Test func shrinkWithRoomChangesNothing() throws {
        let harness = try LoopHarness()
        let (_, log) = try harness.submit(request(.shrink, least: 8))
        #expect(harness.runUntilIdle() == nil)
        #expect(log.choice().finished?.usage.cache.isShrunk == false)
        #expect(log.choice().finished?.usage.cache.budgetTokens == 79)
    }

    @Test func aMissingSeatIsNoReasonToShrink() throws {
        let harness = try LoopHarness(maxSequences: 1)
        let (_, _) = try harness.submit(request(.queue))
        for _ in 0..<3 { harness.turn() }
        let (_, second) = try harness.submit(request(.shrink, least: 8))
        #expect(harness.runUntilIdle() == nil)
        #expect(second.choice().finished?.usage.cache.isShrunk == false)
    }

    @Test func shrinkNeedsAPolicyThatEvictsAndAFloorItCanHave() throws {
        let planner = SubmissionPlanner(configuration: try LoopHarness.configuration())
        var full = request(.shrink)
        full.cache.policy = "full"
        guard
            case .badCache(let error)? = #expect(
                throws: SubmitError.self,
                performing: {
                    try planner.sequences(of: [full]) { SequenceID(0) }
                })
        else { throw TestFailure("another error") }
        #expect(error.field == "kv_cache.on_pool_full")
        var sinks = request(.shrink, least: 2)
        sinks.cache.policy = "streaming"
        sinks.cache.sinkTokens = 4
        guard
            case .badCache(let floor)? = #expect(
                throws: SubmitError.self,
                performing: {
                    try planner.sequences(of: [sinks]) { SequenceID(0) }
                })
        else { throw TestFailure("another error") }
        #expect(floor.field == "kv_cache.min_budget_tokens")
    }

    @Test func aKeysOwnLimitMakesARequestImpossible() throws {
        let planner = SubmissionPlanner(configuration: try LoopHarness.configuration())
        let needed = try bytes(request(.queue))
        let tenant = Tenant(id: 1, mostBytes: needed - 1)
        #expect(throws: SubmitError.neverFits(neededBytes: needed, limitBytes: needed - 1)) {
            try planner.sequences(of: [request(.queue)], tenant: tenant) { SequenceID(0) }
        }
    }
}
