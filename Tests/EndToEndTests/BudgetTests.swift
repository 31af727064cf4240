import JSON
import TestSupport
import Testing

/// The budget is a contract: what a request holds, and that a budget never reached changes nothing.
@Suite(.server("--threads", "2", "--kv-pool-bytes", "32MiB"))
struct BudgetTests {
    private static let policies = ["window", "streaming", "h2o", "keyformer"]

    /// Layers, KV heads and head dimension of the built-in model.
    private static let (layers, kvHeads, headDim) = (6, 2, 32)

    /// Bytes of one slot: key and value in f16, position, and score where the policy keeps one.
    private static func slotBytes(isScored: Bool) -> Int { headDim * 2 * 2 + 4 + (isScored ? 4 : 0) }

    @Test(arguments: policies)
    func aBudgetThatIsNeverReachedIsFullAttentionBitForBit(policy: String) throws {
        let server = try server()
        let fields: JSONValue = [
            "prompt": .string(Self.prose(words: 60)), "max_tokens": 24, "temperature": 0.7, "seed": 3, "logprobs": 5,
            "echo": true,
        ]
        let full = try server.complete(fields.with("kv_cache", ["policy": "full"]))
        let tokens = try #require(full["usage", "total_tokens"].asInt)
        let cache: JSONValue = ["policy": .string(policy), "budget_tokens": .integer(tokens)]
        let other = try server.complete(fields.with("kv_cache", cache))
        #expect(full.status == 200)
        #expect(full.choices == other.choices)
        #expect(other["usage", "kv_cache", "evicted_tokens"].asInt == 0)
    }

    @Test(arguments: policies)
    func theLongPromptHoldsOneLayerMoreThanItsBudget(policy: String) throws {
        let server = try server()
        let answer = try server.complete([
            "prompt": .array((0..<1500).map { .integer(300 + $0 * 7 % 900) }), "max_tokens": 16, "temperature": 0,
            "kv_cache": ["policy": .string(policy), "budget_tokens": 128, "policy_params": ["positions": "original"]],
        ])
        #expect(answer.status == 200, "\(answer.response.text)")
        let slot = Self.slotBytes(isScored: policy == "h2o" || policy == "keyformer")
        let peak = try #require(answer["usage", "kv_cache", "peak_bytes"].asInt)
        #expect(peak <= Self.kvHeads * slot * (Self.layers * 128 + 1500))
        #expect(answer["usage", "kv_cache", "budget_bytes"].asInt == Self.layers * Self.kvHeads * 128 * slot)
        #expect(answer["usage", "kv_cache", "prompt_tokens_retained"].asInt == 113)
        #expect(answer["usage", "kv_cache", "evicted_tokens"].asInt == 1500 + 15 - 128)
        #expect(try server.idlePoolBytes() == 0)
    }

    @Test func randomBudgetsCancelsAndDisconnectsKeepTheirBoundsAndLeaveNothing() throws {
        let server = try server()
        var random = SeededRandom(seed: 20)
        var open: [(client: SocketClient, prompt: Int, budget: Int)] = []
        var broken: [String] = []
        for _ in 0..<60 {
            let (prompt, budget) = (Int.random(in: 8...700, using: &random), Int.random(in: 8...200, using: &random))
            let body: JSONValue = [
                "prompt": .array((0..<prompt).map { _ in .integer(Int.random(in: 300...1279, using: &random)) }),
                "max_tokens": .integer(Int.random(in: 1...24, using: &random)),
                "stream": .bool(Int.random(in: 0...1, using: &random) == 1),
                "stream_options": nil,
                "kv_cache": ["policy": "keyformer", "budget_tokens": .integer(budget)],
            ]
            let client = try server.client()
            try client.send(ServerUnderTest.request("/v1/completions", body.serialized()))
            switch Int.random(in: 0...3, using: &random) {
            case 0: client.close()
            case 1: client.reset()
            default: open.append((client, prompt, budget))
            }
        }
        for (client, prompt, budget) in open {
            let response = try client.readResponse()
            guard response.status == 200 else {
                broken.append("\(response.status): \(response.text.prefix(200))"); continue
            }
            guard let peak = Answer(response)["usage", "kv_cache", "peak_bytes"].asInt else { continue }
            let bound = Self.kvHeads * Self.slotBytes(isScored: true) * (Self.layers * budget + prompt)
            if peak > bound { broken.append("prompt \(prompt), budget \(budget): \(peak) bytes, bound \(bound)") }
        }
        #expect(broken == [])
        #expect(try server.idlePoolBytes() == 0)
    }

    @Test func whatCanNeverFitIsRefusedAtOnce() throws {
        let server = try ServerUnderTest(["--threads", "1", "--kv-pool-bytes", "256KiB"])
        let fields: JSONValue = ["prompt": .array((0..<600).map { .integer(300 + $0) }), "max_tokens": 100]
        let refused = try server.complete(fields)
        #expect(refused.status == 400)
        #expect(refused["error", "code"].asString == "kv_budget_unsatisfiable")
        #expect(refused["error", "param"].asString == "kv_cache")
        let smaller: JSONValue = ["prompt": .array((0..<100).map { .integer(300 + $0) }), "max_tokens": 8]
        #expect(try server.complete(smaller.with("kv_cache", ["budget_tokens": 32])).status == 200)
    }

    @Test func aFullQueueIsA429ThatSaysWhenToComeBack() throws {
        let server = try ServerUnderTest(["--threads", "1", "--max-sequences", "1", "--max-queue", "1"])
        let clients = try (0..<6).map { _ in
            let client = try server.client()
            let body = #"{"prompt":"Once","max_tokens":400,"ignore_eos":true,"temperature":0}"#
            try client.send(ServerUnderTest.request("/v1/completions", Array(body.utf8)))
            return client
        }
        let answers = try clients.map { Answer(try $0.readResponse()) }
        let refused = answers.filter { $0.status == 429 }
        #expect(answers.filter { $0.status == 200 }.count + refused.count == 6)
        #expect(!refused.isEmpty)
        for answer in refused {
            #expect(answer["error", "type"].asString == "rate_limit_error")
            let seconds = answer.response.header("retry-after").flatMap { Int($0) }
            #expect(seconds.map { (1...120).contains($0) } == true)
        }
    }

    /// English-like text of a length.
    private static func prose(words: Int) -> String {
        let stock = ["the", "river", "was", "quiet", "and", "a", "boat", "went", "slowly", "home"]
        return (0..<words).map { stock[$0 * 7 % stock.count] }.joined(separator: " ")
    }
}
