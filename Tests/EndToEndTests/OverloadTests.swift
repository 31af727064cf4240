import JSON
import TestSupport
import Testing

/// What clients see of a pool that is full.
@Suite struct OverloadTests {
    private static let pool = ["--threads", "1", "--kv-pool-bytes", "4MiB"]

    /// Holds most of the pool until its client closes.
    private func occupy(_ server: ServerUnderTest) throws -> SocketClient {
        let body: JSONValue = [
            "prompt": "Once", "max_tokens": 2000, "ignore_eos": true, "stream": true, "kv_cache": ["policy": "full"],
        ]
        let client = try server.client()
        try client.send(ServerUnderTest.request("/v1/completions", body.serialized()))
        #expect(try client.readHead().status == 200)
        for _ in 0..<20 { _ = try client.readChunk() }
        return client
    }

    private func wanting(_ choice: String?, tokens: Int = 1500, least: Int? = nil) -> JSONValue {
        var cache: JSONValue = ["policy": "window"]
        if let choice { cache = cache.with("on_pool_full", .string(choice)) }
        if let least { cache = cache.with("min_budget_tokens", .integer(least)) }
        return [
            "prompt": "Once", "max_tokens": .integer(tokens), "ignore_eos": true, "temperature": 0, "kv_cache": cache,
        ]
    }

    @Test func rejectIsA429WithATimeToComeBack() throws {
        let server = try ServerUnderTest(Self.pool)
        let client = try occupy(server)
        let answer = try server.complete(wanting("reject"))
        #expect(answer.status == 429)
        #expect(answer["error", "code"].asString == "kv_pool_exhausted")
        #expect(answer["error", "type"].asString == "rate_limit_error")
        #expect(answer.response.header("retry-after").flatMap { Int($0) }.map { (1...120).contains($0) } == true)
        #expect(answer["error", "message"].asString?.contains("on_pool_full") == true)
        // A small one fits beside the other.
        #expect(try server.complete(wanting("reject", tokens: 5)).status == 200)
        client.close()
        #expect(try server.idlePoolBytes() == 0)
        #expect(try server.complete(wanting("reject", tokens: 20)).status == 200)
        #expect(try server.metric("keyhold_admission_rejections_total{reason=\"pool_full\"}") == 1)
        #expect(try server.metric("keyhold_retry_after_error_seconds_count") == 1)
    }

    @Test func shrinkStartsWithLessAndSaysSo() throws {
        let server = try ServerUnderTest(Self.pool)
        let client = try occupy(server)
        let answer = try server.complete(wanting("shrink", least: 16))
        #expect(answer.status == 200)
        #expect(answer["usage", "kv_cache", "shrunk"].asBool == true)
        let budget = try #require(answer["usage", "kv_cache", "budget_tokens"].asInt)
        #expect((16..<1500).contains(budget))
        #expect(answer.response.header("x-kv-budget-tokens") == "\(budget)")
        #expect(answer["usage", "completion_tokens"].asInt == 1500)
        #expect(try server.metric("keyhold_kv_shrinks_total") == 1)
        client.close()
        #expect(try server.idlePoolBytes() == 0)
        let whole = try server.complete(wanting("shrink", tokens: 20, least: 16))
        #expect(whole["usage", "kv_cache", "shrunk"].asBool == false)
    }

    @Test func theServersDefaultAppliesAndTheRequestGoesBefore() throws {
        let server = try ServerUnderTest(Self.pool + ["--on-pool-full", "reject", "--overload-status", "503"])
        let client = try occupy(server)
        let answer = try server.complete(wanting(nil))
        #expect(answer.status == 503)
        #expect(answer["error", "code"].asString == "kv_pool_exhausted")
        #expect(answer.response.header("retry-after") != nil)
        let waiting = try server.client()
        try waiting.send(ServerUnderTest.request("/v1/completions", wanting("queue", tokens: 1200).serialized()))
        sleepMilliseconds(100)
        #expect(try server.metric("keyhold_requests_waiting") == 1)
        client.close()
        #expect(Answer(try waiting.readResponse()).status == 200)
    }

    @Test func whatCannotBeShrunkIsNamed() throws {
        let server = try ServerUnderTest(Self.pool)
        let full = try server.complete(
            ["prompt": "a", "kv_cache": ["policy": "full", "on_pool_full": "shrink"]])
        #expect(full.status == 400)
        #expect(full["error", "param"].asString == "kv_cache.on_pool_full")
        let sinks = try server.complete(
            [
                "prompt": "a", "max_tokens": 50,
                "kv_cache": ["policy": "streaming", "on_pool_full": "shrink", "min_budget_tokens": 2],
            ])
        #expect(sinks.status == 400)
        #expect(sinks["error", "param"].asString == "kv_cache.min_budget_tokens")
    }
}
