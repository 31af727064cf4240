import Generation
import KVCaching
import Logging
import Observability
import Synchronization
import TestSupport
import Testing
import Tokenization

@testable import Serving

/// The service with its real thread.
@Suite struct InferenceServiceTests {
    /// A service on a fake engine, and what the engine saw.
    private struct Bench {
        let service: InferenceService
        let record: EngineRecord

        init(
            model: FakeModel = FakeModel(), maxSequences: Int = 8, maxQueued: Int = 200, poolBytes: Int = 1 << 22,
            inboxCapacity: Int = 1024, onStep: @escaping @Sendable () -> Void = {}
        ) throws {
            var configuration = try LoopHarness.configuration(
                maxSequences: maxSequences, maxQueued: maxQueued, maxRows: 16, poolBytes: poolBytes, context: 2048)
            configuration.inboxCapacity = inboxCapacity
            let record = EngineRecord(poolBytes: poolBytes)
            self.record = record
            service = try InferenceService(
                configuration: configuration, tokenizer: try TinyVocabulary.tokenizer(),
                metrics: ServiceMetrics(registry: MetricsRegistry(), poolBytes: poolBytes, endpoints: []) {
                    record.arena.usedBytes
                },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                makeEngine: {
                    FakeEngine(model: model, record: record, layerCount: LoopHarness.layerCount) { _ in onStep() }
                })
        }
    }

    /// Submits and waits for the last event.
    private func run(_ request: GenerationRequest, on service: InferenceService) async throws -> EventLog {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let log = EventLog(choices: request.choices) { continuation.finish() }
        _ = try service.submit([request], deadline: nil) { log.receive($0) }
        for await _ in stream {}
        return log
    }

    private func randomRequest(_ random: inout SeededRandom) -> GenerationRequest {
        var request = GenerationRequest(
            prompt: (0..<Int.random(in: 1...20, using: &random)).map { _ in
                TokenID.random(in: 0..<TokenID(TinyVocabulary.size), using: &random)
            })
        request.sampling.seed = random.next()
        request.stop.maxTokens = Int.random(in: 1...15, using: &random)
        request.stop.stopStrings = Bool.random(using: &random) ? ["EN", "a"] : []
        request.choices = Int.random(in: 1...2, using: &random)
        request.logprobs = Bool.random(using: &random) ? 1 : nil
        return request
    }

    @Test(arguments: UInt64(0)..<4)
    func concurrentRequestsGetWhatTheyWouldGetAlone(seed: UInt64) async throws {
        let bench = try Bench()
        let tokenizer = try TinyVocabulary.tokenizer()
        var random = SeededRandom(seed: seed)
        let requests = (0..<40).map { _ in randomRequest(&random) }
        try await withThrowingTaskGroup(of: (Int, EventLog).self) { group in
            for (index, request) in requests.enumerated() {
                group.addTask { (index, try await run(request, on: bench.service)) }
            }
            for try await (index, log) in group {
                #expect(log.complaint() == nil)
                for choice in 0..<requests[index].choices {
                    let expected = Reference(
                        requests[index], choice: choice, maxNewTokens: requests[index].stop.maxTokens ?? 0,
                        model: FakeModel(), tokenizer: tokenizer)
                    let heard = log.choice(choice)
                    #expect(heard.text == expected.text)
                    #expect(heard.finished?.reason == expected.reason)
                }
            }
        }
        await bench.service.drain()
        #expect(bench.record.complaint() == nil)
        bench.service.stop()
    }

    @Test(arguments: UInt64(0)..<6)
    func aStormOfCancelsAndPausesLosesNobody(seed: UInt64) async throws {
        let bench = try Bench(maxSequences: 4, maxQueued: 30, inboxCapacity: 8)
        let logs = LogShelf()
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<6 {
                group.addTask {
                    var random = SeededRandom(seed: seed &* 1000 &+ UInt64(client))
                    for _ in 0..<30 { await storm(bench.service, logs, &random) }
                }
            }
        }
        if seed % 2 == 0 { await bench.service.drain() } else { bench.service.stop() }
        let all = logs.all
        if let complaint = all.lazy.compactMap({ $0.complaint() }).first { Issue.record("seed \(seed): \(complaint)") }
        #expect(all.count == 180)
        #expect(bench.record.complaint() == nil)
        bench.service.stop()
    }

    private func storm(_ service: InferenceService, _ logs: LogShelf, _ random: inout SeededRandom) async {
        let request = randomRequest(&random)
        let log = EventLog(choices: request.choices)
        let hasDeadline = Bool.random(using: &random)
        let deadline: Duration? = hasDeadline ? .milliseconds(Int.random(in: 0...30, using: &random)) : nil
        var handle: RequestHandle?
        while handle == nil {
            handle = try? service.submit([request], deadline: deadline, onEvent: { log.receive($0) })
            if handle == nil { try? await Task.sleep(for: .milliseconds(2)) }
        }
        logs.add(log)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: handle?.cancel()
            case 1: handle?.pause()
            default: await Task.yield()
            }
        }
        handle?.resume()
    }

    @Test func aFullInboxRefusesAtOnceAndForgetsNothing() throws {
        let gate = Gate()
        let bench = try Bench(inboxCapacity: 2) { gate.wait() }
        let log = EventLog()
        let first = try bench.service.submit([.greedy([5], maxTokens: 2)], deadline: nil) { log.receive($0) }
        gate.waitUntilReached()
        let waiting = EventLog()
        let handles = try (0..<2).map { _ in
            try bench.service.submit([.greedy([5], maxTokens: 2)], deadline: nil) { waiting.receive($0) }
        }
        #expect(throws: SubmitError.inboxFull(retryAfterSeconds: 1)) {
            try bench.service.submit([.greedy([5], maxTokens: 2)], deadline: nil) { _ in Issue.record("an event came") }
        }
        // Wishes need no room.
        first.cancel()
        handles[0].cancel()
        gate.open()
        #expect(bench.service.drain(within: .seconds(20)))
        #expect(log.choice().finished?.reason == .cancelled || log.choice().finished?.reason == .length)
        #expect(waiting.events.count { if case .token(_, .finished) = $0 { true } else { false } } == 2)
        #expect(bench.record.complaint() == nil)
    }

    @Test func drainingFinishesWhatRunsAndTakesNothingNew() async throws {
        let bench = try Bench()
        let log = EventLog()
        _ = try bench.service.submit([.greedy([5, 6], maxTokens: 200)], deadline: nil) { log.receive($0) }
        bench.service.beginDraining()
        #expect(throws: SubmitError.draining) {
            try bench.service.submit([.greedy([5], maxTokens: 2)], deadline: nil) { _ in }
        }
        await bench.service.drain()
        #expect(log.choice().finished?.reason == .length)
        #expect(bench.service.drain(within: .zero))
        bench.service.stop()
        bench.service.stop()
    }

    @Test func aDrainThatTakesTooLongSaysSo() throws {
        let gate = Gate()
        let bench = try Bench { gate.wait() }
        let log = EventLog()
        _ = try bench.service.submit([.greedy([5, 6], maxTokens: 50)], deadline: nil) { log.receive($0) }
        gate.waitUntilReached()
        #expect(!bench.service.drain(within: .milliseconds(20)))
        gate.open()
        bench.service.stop()
        #expect(log.complaint() == nil)
        #expect(bench.record.complaint() == nil)
    }

    @Test func anIdleServiceWakesForADeadline() async throws {
        let bench = try Bench()
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let log = EventLog { continuation.finish() }
        let handle = try bench.service.submit([.greedy([5, 6], maxTokens: 1000)], deadline: .milliseconds(60)) {
            log.receive($0)
        }
        handle.pause()
        for await _ in stream {}
        #expect(log.choice().finished?.reason == .deadline)
        #expect(bench.record.complaint() == nil)
    }

    @Test func anIdleServiceDoesNotSpin() async throws {
        let bench = try Bench()
        _ = try await run(.greedy([5], maxTokens: 3), on: bench.service)
        let steps = bench.record.current.steps
        try await Task.sleep(for: .milliseconds(50))
        #expect(bench.record.current.steps == steps)
        _ = try await run(.greedy([5], maxTokens: 3), on: bench.service)
        bench.service.stop()
    }

    @Test func aReceiverMaySubmitAndCancel() async throws {
        let bench = try Bench()
        let second = EventLog()
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let log = EventLog { continuation.finish() }
        let service = bench.service
        _ = try service.submit([.greedy([5], maxTokens: 3)], deadline: nil) { event in
            if case .accepted = event {
                _ = try? service.submit([.greedy([6], maxTokens: 3)], deadline: nil) { second.receive($0) }
            }
            log.receive(event)
        }
        for await _ in stream {}
        await service.drain()
        #expect(second.complaint() == nil)
    }
}

/// The logs of many tasks.
private final class LogShelf: Sendable {
    private let logs = Mutex<[EventLog]>([])

    func add(_ log: EventLog) { logs.withLock { $0.append(log) } }
    var all: [EventLog] { logs.withLock { $0 } }
}

/// Holds a thread until it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var isReached = false
    }
    private let state = Mutex(State())

    func wait() {
        state.withLock { $0.isReached = true }
        while !state.withLock({ $0.isOpen }) { WakeSignal().wait(for: .milliseconds(1)) }
    }

    func waitUntilReached() {
        while !state.withLock({ $0.isReached }) { WakeSignal().wait(for: .milliseconds(1)) }
    }

    func open() {
        state.withLock { $0.isOpen = true }
    }
}
