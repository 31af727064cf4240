import Generation
import KVCaching
import Observability
import Synchronization
import Testing

@testable import Serving

/// Sequences that end from outside: cancelled, too late, stopped.
@Suite struct EngineLoopEndTests {
    private let long: [TokenID] = (0..<40).map { 260 + $0 % 30 }

    @Test func cancelWhileWaitingFreesThePlaceAtOnce() throws {
        let harness = try LoopHarness(maxSequences: 1)
        let (_, running) = try harness.submit(.greedy(long, maxTokens: 20))
        let (waiting, log) = try harness.submit(.greedy(long, maxTokens: 20))
        harness.turn()
        harness.cancel(waiting)
        harness.turn()
        #expect(log.complaint() == nil)
        #expect(log.choice().finished?.reason == .cancelled)
        #expect(log.choice().finished?.usage.cache.peakBytes == 0)
        #expect(harness.record.current.admitted == 1)
        #expect(harness.runUntilIdle() == nil)
        #expect(running.choice().finished?.reason == .length)
    }

    @Test func cancelWhilePrefillingFreesTheBytesBeforeTheNextStep() throws {
        let harness = try LoopHarness(maxRows: 2)
        let (id, log) = try harness.submit(.greedy(long, maxTokens: 20))
        for _ in 0..<5 { harness.turn() }
        #expect(harness.record.arena.usedBytes > 0)
        harness.cancel(id)
        let steps = harness.record.current.steps
        harness.turn()
        #expect(harness.record.current.steps == steps)
        #expect(harness.record.complaint() == nil)
        #expect(log.complaint() == nil)
        #expect(log.choice().finished?.reason == .cancelled)
        #expect(log.choice().finished?.usage.completionTokens == 0)
    }

    @Test func cancelWhileDecodingKeepsTheTextSoFar() throws {
        let harness = try LoopHarness(maxRows: 64)
        var request = GenerationRequest.greedy(long, maxTokens: 100)
        request.choices = 2
        request.logprobs = 0
        let (id, log) = try harness.submit(request)
        for _ in 0..<10 { harness.turn() }
        harness.cancel(id)
        harness.cancel(id)
        harness.turn()
        #expect(log.complaint() == nil)
        for choice in 0..<2 {
            let heard = log.choice(choice)
            #expect(heard.finished?.reason == .cancelled)
            #expect(heard.tokens.count == heard.finished?.usage.completionTokens)
            #expect(heard.tokens.count > 3)
        }
        #expect(harness.record.complaint() == nil)
        #expect(harness.liveRequests.isZero)
        harness.cancel(id)
        harness.turn()
        #expect(log.complaint() == nil)
    }

    @Test func cancelInTheSameInboxAsTheSubmission() throws {
        let harness = try LoopHarness()
        let (id, log) = try harness.submit(.greedy(long, maxTokens: 20))
        harness.cancel(id)
        harness.turn()
        #expect(log.complaint() == nil)
        #expect(log.choice().finished?.reason == .cancelled)
        #expect(harness.record.current.admitted == 0)
    }

    @Test func aPausedRequestKeepsItsMemoryAndGetsNothing() throws {
        let harness = try LoopHarness(maxRows: 64)
        let (id, log) = try harness.submit(.greedy(long, maxTokens: 20))
        for _ in 0..<4 { harness.turn() }
        harness.setPaused(id, true)
        harness.turn()
        let (count, used) = (log.events.count, harness.record.arena.usedBytes)
        for _ in 0..<5 { harness.turn() }
        #expect(log.events.count == count)
        #expect(harness.record.arena.usedBytes == used && used > 0)
        #expect(!harness.loop.hasWork)
        harness.setPaused(id, false)
        #expect(harness.runUntilIdle() == nil)
        #expect(log.choice().finished?.reason == .length)
        #expect(log.complaint() == nil)
    }

    @Test func theDeadlineEndsRunningAndWaitingSequences() throws {
        let harness = try LoopHarness(maxSequences: 1)
        let (_, running) = try harness.submit(.greedy(long, maxTokens: 200), deadline: .milliseconds(400))
        let (_, waiting) = try harness.submit(.greedy(long, maxTokens: 20), deadline: .milliseconds(300))
        #expect(harness.runUntilIdle() == nil)
        #expect(running.choice().finished?.reason == .deadline)
        #expect(waiting.choice().finished?.reason == .deadline)
        #expect(running.complaint() == nil)
        #expect(waiting.complaint() == nil)
        #expect(harness.time < .milliseconds(450))
        #expect(harness.record.complaint() == nil)
    }

    @Test func theQueueTimeoutSparesWhoHasStarted() throws {
        let harness = try LoopHarness(maxSequences: 1, queueTimeout: .milliseconds(100))
        let (_, running) = try harness.submit(.greedy(long, maxTokens: 60))
        let (_, waiting) = try harness.submit(.greedy(long, maxTokens: 20))
        #expect(harness.runUntilIdle() == nil)
        #expect(running.choice().finished?.reason == .length)
        #expect(waiting.choice().finished?.reason == .deadline)
        #expect(harness.metricsText.contains("rejections_total{reason=\"timeout\"} 1\n"))
    }

    @Test func aPausedQueueWakesForItsTimeout() throws {
        let harness = try LoopHarness(maxSequences: 1, queueTimeout: .milliseconds(100))
        let (id, running) = try harness.submit(.greedy(long, maxTokens: 60))
        let (_, waiting) = try harness.submit(.greedy(long, maxTokens: 20))
        harness.turn()
        harness.setPaused(id, true)
        harness.turn()
        #expect(!harness.loop.hasWork)
        let deadline = try #require(harness.loop.nextDeadline)
        #expect(deadline == .milliseconds(100))
        harness.time = deadline
        harness.turn()
        #expect(waiting.choice().finished?.reason == .deadline)
        #expect(running.choice().finished == nil)
        #expect(harness.loop.nextDeadline == nil)
    }

    @Test func aFullQueueRejectsTheWholeGroup() throws {
        let harness = try LoopHarness(maxSequences: 1, maxQueued: 3)
        var group = GenerationRequest.greedy(long, maxTokens: 5)
        group.choices = 3
        let (_, first) = try harness.submit(group)
        let (_, second) = try harness.submit(group)
        #expect(harness.runUntilIdle() == nil)
        #expect(first.complaint() == nil)
        #expect(first.choice(2).finished?.reason == .length)
        guard case .rejected(.queueFull(let seconds)) = second.events.first else { throw TestFailure("not rejected") }
        #expect((1...120).contains(seconds))
        #expect(second.events.count == 1)
        #expect(harness.record.current.admitted == 3)
        #expect(harness.liveRequests.isZero)
    }

    @Test func stopEndsEverybodyOnce() throws {
        let harness = try LoopHarness(maxSequences: 2)
        let logs = try (0..<5).map { _ in try harness.submit(.greedy(long, maxTokens: 50)).log }
        for _ in 0..<20 { harness.turn() }
        let (_, late) = try harness.submit(.greedy(long, maxTokens: 50))
        harness.stop()
        harness.turn()
        #expect(logs.allSatisfy { $0.complaint() == nil && $0.choice().finished?.reason == .cancelled })
        #expect(late.events == [.rejected(.stopping)])
        #expect(harness.record.complaint() == nil)
        #expect(harness.liveRequests.isZero)
    }

    @Test func gaugesAreBackToIdleWhenTheLastEventArrives() throws {
        let harness = try LoopHarness(maxRows: 64)
        let registry = harness.registry
        let atEnd = TextBox()
        let (_, log) = try harness.submit(.greedy(long, maxTokens: 4)) { atEnd.set(registry.prometheusText()) }
        harness.turn()
        #expect(harness.metricsText.contains("keyhold_requests_running 1\n"))
        #expect(!harness.metricsText.contains("keyhold_kv_pool_bytes{state=\"used\"} 0\n"))
        #expect(harness.runUntilIdle() == nil)
        let text = atEnd.text
        #expect(log.isFinished)
        for line in [
            "keyhold_requests_running 0\n", "keyhold_requests_waiting 0\n", "keyhold_kv_cache_usage_ratio 0\n",
            "keyhold_kv_pool_bytes{state=\"used\"} 0\n", "keyhold_kv_pool_bytes{state=\"reserved\"} 0\n",
            "keyhold_prompt_tokens_total 40\n", "keyhold_generation_tokens_total 4\n",
            "keyhold_time_to_first_token_seconds_count 1\n", "keyhold_inter_token_latency_seconds_count 3\n",
            "keyhold_request_duration_seconds_count 1\n", "keyhold_queue_time_seconds_count 1\n",
        ] {
            #expect(text.contains(line), "\(line) is missing")
        }
    }
}

/// A text that a receiver leaves for the test.
private final class TextBox: Sendable {
    private let kept = Mutex("")

    func set(_ text: String) { kept.withLock { $0 = text } }
    var text: String { kept.withLock { $0 } }
}
