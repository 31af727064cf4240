import Decoding
import Generation
import KVCaching
import Logging
import ModelFiles
import Observability
import Scheduling
import SessionFiles
import Synchronization
import TestSupport
import Testing
import Tokenization

@testable import Serving

/// The service on the real engine with the weights that ship with the program.
@Suite struct RealEngineTests {
    private static let poolBytes = 64 << 20

    private struct Bench {
        let service: InferenceService
        let arena: KVArena

        init(threads: Int, maxSequences: Int) throws {
            let path = TestFiles.packageRoot + "/Sources/ServerApp/Resources/recall3M-Q8_0.gguf"
            let model = try DecoderModel.load(ModelSource.open(path: path))
            let size = model.configuration.vocabularySize
            var fields = GGUFVocabulary(model: "llama", tokens: (0..<size).map { Array(" t\($0)".utf8) })
            fields.scores = (0..<size).map { -Float($0) }
            fields.unknownToken = 0
            let arena = KVArena(capacityBytes: poolBytes)
            self.arena = arena
            let shape = model.configuration.cacheShape
            service = try InferenceService(
                configuration: ServiceConfiguration(
                    limits: try SchedulerLimits(
                        maxSequences: maxSequences, maxQueuedSequences: 100, layerCount: shape.layerCount,
                        maxRowsPerStep: 24, poolBytes: poolBytes),
                    contextLength: model.configuration.contextLength, vocabularySize: size, cacheShape: shape,
                    usesRoPE: model.configuration.usesRoPE),
                tokenizer: try Tokenizer(fields),
                metrics: ServiceMetrics(registry: MetricsRegistry(), poolBytes: poolBytes, endpoints: []) {
                    arena.usedBytes
                },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                engine: try DecodeEngine(
                    model: model, arena: arena,
                    limits: DecodeEngine.Limits(maxSequences: maxSequences, maxRows: 24, threads: threads)))
        }
    }

    /// Requests with all policies and many budgets, sampled and greedy.
    private static func requests(seed: UInt64) -> [GenerationRequest] {
        var random = SeededRandom(seed: seed)
        return (0..<16).map { index in
            let promptTokens = Int.random(in: 1...60, using: &random)
            var request = GenerationRequest(
                prompt: (0..<promptTokens).map { _ in TokenID.random(in: 0..<60, using: &random) })
            request.sampling.temperature = index % 3 == 0 ? 0 : 1
            request.sampling.seed = random.next()
            request.stop.maxTokens = Int.random(in: 1...24, using: &random)
            request.stop.ignoreEOS = true
            request.logprobs = 2
            request.cache.policy = PolicyTable.names[index % PolicyTable.names.count]
            if request.cache.policy != "full" { request.cache.budget = .tokens(Int.random(in: 8...40, using: &random)) }
            return request
        }
    }

    private func wait(_ start: (_ done: @escaping @Sendable () -> Void) throws -> Void) async throws {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        try start { continuation.finish() }
        for await _ in stream {}
    }

    /// Submits and waits for the last event.
    private func run(_ request: GenerationRequest, on service: InferenceService) async throws -> EventLog.Choice {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let log = EventLog { continuation.finish() }
        _ = try service.submit([request], deadline: nil) { log.receive($0) }
        for await _ in stream {}
        #expect(log.complaint() == nil)
        return log.choice()
    }

    @Test func concurrentRequestsEqualTheSameOnesOneByOne() async throws {
        let requests = Self.requests(seed: 1)
        let alone = try Bench(threads: 1, maxSequences: 1)
        var expected: [EventLog.Choice] = []
        for request in requests { expected.append(try await run(request, on: alone.service)) }
        for threads in 1...2 {
            let together = try Bench(threads: threads, maxSequences: 7)
            try await withThrowingTaskGroup(of: (Int, EventLog.Choice).self) { group in
                for (index, request) in requests.enumerated() {
                    group.addTask { (index, try await run(request, on: together.service)) }
                }
                for try await (index, heard) in group {
                    #expect(heard.text == expected[index].text)
                    #expect(heard.tokens == expected[index].tokens)
                    #expect(heard.finished?.usage.cache == expected[index].finished?.usage.cache)
                    #expect(heard.finished?.usage.completionTokens == requests[index].stop.maxTokens)
                }
            }
            #expect(together.arena.usedBytes == 0)
        }
    }

    /// Its bytes are somebody else's as soon as the session ends, whoever still holds the loan.
    @Test func aLoanThatWasUsedKeepsNoBytes() async throws {
        let bench = try Bench(threads: 1, maxSequences: 2)
        let key = SessionKey(owner: .anonymous, id: "s")
        try await wait { done in
            try bench.service.createSession(SessionSpec(id: "s", createdAt: 1), owner: .anonymous) { _ in done() }
        }
        var request = Self.requests(seed: 3)[0]
        request.cache = KVCacheRequest()
        try await wait { done in
            let log = EventLog { done() }
            _ = try bench.service.submit([request], session: SessionTurn(key: key), deadline: nil) { log.receive($0) }
        }
        #expect(bench.arena.usedBytes > 0)
        let loan = Mutex<SessionLoan?>(nil)
        try await wait { done in
            try bench.service.beginSaving(key) { result in
                loan.withLock { $0 = try? result.get() }
                done()
            }
        }
        let lent = try #require(loan.withLock { $0 })
        #expect(lent.use { $0.image?.byteCount } == bench.arena.usedBytes)
        try await wait { done in try bench.service.deleteSession(key) { _ in done() } }
        #expect(bench.arena.usedBytes == 0)
        withExtendedLifetime(lent) {}
    }

    @Test func cancelledRequestsGiveEveryByteBack() async throws {
        let bench = try Bench(threads: 2, maxSequences: 5)
        for (index, request) in Self.requests(seed: 2).enumerated() {
            let log = EventLog()
            let handle = try bench.service.submit([request], deadline: nil) { log.receive($0) }
            if index % 2 == 0 { try await Task.sleep(for: .milliseconds(index / 4)) }
            handle.cancel()
        }
        await bench.service.drain()
        #expect(bench.arena.usedBytes == 0)
    }
}
