import JSON
import TestSupport
import Testing

/// Prompts that begin alike, over HTTP.
@Suite struct PrefixSharingTests {
    /// Token ids of a prompt that is alike for `common` of them.
    private static func tokens(_ count: Int, common: Int = .max, seed: UInt64 = 1) -> JSONValue {
        var (shared, own) = (SeededRandom(seed: 7), SeededRandom(seed: seed))
        return .array(
            (0..<count).map { index in
                .integer(
                    index < common ? Int.random(in: 10..<50, using: &shared) : Int.random(in: 10..<50, using: &own))
            })
    }

    private static func body(_ prompt: JSONValue, _ more: JSONValue = [:]) -> JSONValue {
        let body: JSONValue = [
            "prompt": prompt, "max_tokens": 12, "ignore_eos": true, "temperature": 0.8, "seed": 5, "logprobs": 2,
        ]
        return (more.asObject.map { $0.map { ($0.key, $0.value) } } ?? []).reduce(body) { $0.with($1.0, $1.1) }
    }

    private func cached(_ answer: Answer) -> Int? { answer["usage", "prompt_tokens_details", "cached_tokens"].asInt }

    @Test func aHitIsTheSameAnswerSooner() throws {
        let server = try ServerUnderTest(["--threads", "2"])
        let off = try ServerUnderTest(["--threads", "1", "--prefix-sharing", "false"])
        for storage in ["f32", "f16", "q8"] {
            let cache: JSONValue = ["kv_cache": ["storage": .string(storage)]]
            for (round, tokens) in [
                Self.tokens(300), Self.tokens(300), Self.tokens(400, common: 290), Self.tokens(200, common: 130),
            ].enumerated() {
                let body = Self.body(tokens, cache)
                let (answer, alone) = (try server.complete(body), try off.complete(body))
                #expect(answer.status == 200 && answer.choices == alone.choices, "\(storage) \(round)")
                #expect(cached(answer) == [0, 256, 256, 128][round] && cached(alone) == 0)
            }
        }
        #expect(try server.metric("keyhold_prefix_cache_hits_total") == 3 * 640)
        #expect(try server.metric("keyhold_prefix_cache_queries_total") == 3 * 1200)
        #expect(try off.metric("keyhold_prefix_cache_queries_total") == 0)
        let idle = try #require(try server.metric("keyhold_prefix_cache_bytes{state=\"idle\"}"))
        #expect(idle > 0)
        #expect(try server.idlePoolBytes() == 0)
        let status = Answer(try server.get("/status"))
        #expect(status["prefix_cache_bytes", "idle"].asInt == Int(idle))
        #expect(try off.idlePoolBytes() == 0)
    }

    @Test func usageOfStreamsAndChoicesCountsAPromptOnce() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let several = try server.complete(Self.body(Self.tokens(300), ["n": 3]))
        #expect(several.status == 200 && cached(several) == 0)
        let again = try server.complete(Self.body(Self.tokens(300), ["n": 3]))
        #expect(cached(again) == 256 && again.choices == several.choices)
        let options: JSONValue = ["stream": true, "stream_options": ["include_usage": true]]
        let stream = EventStream(
            try server.post("/v1/completions", Self.body(Self.tokens(300), options).serialized()))
        let usage = stream.chunks.last?.asObject?["usage"]?.asObject
        #expect(usage?["prompt_tokens_details"]?.asObject?["cached_tokens"]?.asInt == 256)
        let text = String(repeating: "The code of Ann is 48213. ", count: 30)
        for round in 0..<2 {
            let answer = try server.chat([
                "messages": [["role": "user", "content": .string(text)]], "max_completion_tokens": 4,
            ])
            #expect(answer.status == 200)
            let (found, prompt) = (cached(answer) ?? -1, answer["usage", "prompt_tokens"].asInt ?? 0)
            #expect(round == 0 ? found == 0 : found == (prompt - 1) / 128 * 128 && found > 0, "\(found) of \(prompt)")
        }
    }

    @Test func keysAndSaltsKeepPromptsApart() throws {
        let keyed = try KeyedServer([("a", ""), ("b", "")])
        for salt in [JSONValue.null, "one", "two"] {
            for key in ["a", "b"] {
                for round in 0..<2 {
                    let answer = try keyed.complete(Self.body(Self.tokens(300), ["cache_salt": salt]), key: key)
                    #expect(cached(answer) == (round == 0 ? 0 : 256), "\(salt) \(key)")
                }
            }
        }
        #expect(try keyed.complete(Self.body([20], ["cache_salt": ""]), key: "a").status == 400)
    }

    @Test func aFullPoolHoldsWhatPromptsShareOnce() throws {
        let server = try ServerUnderTest(["--threads", "1", "--kv-pool-bytes", "4MiB"])
        let bytes = try #require(try server.metric("keyhold_kv_pool_bytes{state=\"total\"}"))
        // Idle blocks of many prompts, then one that takes nearly all of the pool.
        for seed in UInt64(0)..<8 {
            #expect(try server.complete(Self.body(Self.tokens(500, common: 0, seed: seed))).status == 200)
        }
        #expect(try server.complete(Self.body(Self.tokens(1200, common: 0, seed: 99))).status == 200)
        #expect(try server.idlePoolBytes() == 0)
        let idle = try #require(try server.metric("keyhold_prefix_cache_bytes{state=\"idle\"}"))
        #expect(idle > 0 && idle <= bytes)
        #expect(try #require(try server.metric("keyhold_prefix_cache_evictions_total")) > 0)
    }
}
