import JSON
import TestSupport
import Testing

/// A request's answer does not depend on who shares the batch, nor on the number of threads.
@Suite struct ConcurrencyTests {
    /// Sixteen requests that differ in prompt, policy, budget, sampling and endpoint.
    static let requests: [(path: String, body: JSONValue)] = (0..<16).map { index in
        let policies: [JSONValue] = [
            ["policy": "full"], ["policy": "window", "budget_tokens": 24],
            ["policy": "streaming", "budget_tokens": 32, "sink_tokens": 4], ["policy": "h2o", "budget_ratio": 0.5],
            ["policy": "keyformer", "budget_ratio": 0.4],
            ["policy": "keyformer", "budget_tokens": 40, "storage": "f32"],
            ["policy": "keyformer", "budget_tokens": 30, "policy_params": ["noise": "fixed", "seed": 5]],
            [
                "policy": "keyformer", "budget_ratio": 0.6, "recent_ratio": 0.2,
                "policy_params": ["positions": "compact"],
            ],
        ]
        let facts = (0..<(2 + index)).map {
            " The code of \(names[$0 % names.count]) is \(10_000 + 7919 * $0 % 89_999)."
        }
        let text = facts.joined() + "\nQuestion: What is the code of Ann?\nAnswer: The code of Ann is "
        var body: JSONValue = [
            "max_tokens": .integer(12 + index % 5), "temperature": index % 3 == 0 ? 0 : 0.9, "seed": .integer(index),
            "kv_cache": policies[index % policies.count],
        ]
        if index % 4 == 3 {
            body = body.with("messages", [["role": "user", "content": .string(text)]])
            return ("/v1/chat/completions", body.with("logprobs", true).with("top_logprobs", 3))
        }
        return (
            "/v1/completions",
            body.with("prompt", .string(text)).with("logprobs", 4).with("echo", .bool(index % 4 == 2))
        )
    }

    private static let names = ["Ann", "Ben", "Eva", "Tom", "Max", "Ida", "Leo", "Mia"]

    @Test(arguments: [1, 2])
    func concurrentAnswersEqualThoseOneByOne(threads: Int) throws {
        let server = try ServerUnderTest(["--threads", "\(threads)", "--rows-per-step", "48"])
        let alone = try Self.requests.map { Answer(try server.post($0.path, $0.body.serialized())) }
        let together = try Self.runTogether(server)
        for (index, pair) in zip(alone, together).enumerated() {
            #expect(pair.0.status == 200, "\(index): \(pair.0.response.text)")
            #expect(pair.0.choices == pair.1.choices, "request \(index)")
            #expect(pair.0["usage"].withoutHistory == pair.1["usage"].withoutHistory, "request \(index)")
        }
        #expect(try server.idlePoolBytes() == 0)
    }

    @Test func theNumberOfThreadsDoesNotMatter() throws {
        let answers = try [1, 2].map { threads in
            let server = try ServerUnderTest(["--threads", "\(threads)"])
            return try Self.runTogether(server).map(\.choices)
        }
        #expect(answers[0] == answers[1])
    }

    /// All requests at once: everything is sent before the first answer is read.
    private static func runTogether(_ server: ServerUnderTest) throws -> [Answer] {
        let clients = try requests.map { request in
            let client = try server.client()
            try client.send(ServerUnderTest.request(request.path, request.body.serialized()))
            return client
        }
        return try clients.map { Answer(try $0.readResponse()) }
    }
}

extension JSONValue {
    /// `usage` without what depends on the requests before: times, and what they had read already.
    var withoutHistory: JSONValue {
        guard let cache = asObject?["kv_cache"] else { return self }
        return with("kv_cache", cache.with("byte_seconds", 0)).with("prompt_tokens_details", .null)
    }
}
