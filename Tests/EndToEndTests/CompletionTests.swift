import JSON
import TestSupport
import Testing

/// `POST /v1/completions` over HTTP with the built-in model.
@Suite(.server("--threads", "2"))
struct CompletionTests {
    private static let prompt =
        " The code of Ann is 48213. The code of Ben is 11725."
        + "\nQuestion: What is the code of Ann?\nAnswer: The code of Ann is "

    @Test func plainAnswerHasTheContractsMembers() throws {
        let answer = try server().complete(["prompt": .string(Self.prompt), "max_tokens": 6, "temperature": 0])
        #expect(answer.status == 200)
        #expect(answer["object"].asString == "text_completion")
        #expect(answer["id"].asString?.hasPrefix("cmpl-") == true)
        #expect(answer["model"].asString == "recall3M")
        #expect(answer["choices", 0, "finish_reason"].asString == "length")
        #expect(answer["choices", 0, "logprobs"].isNull)
        #expect(answer["usage", "completion_tokens"].asInt == 6)
        let usage = answer["usage"].asObject
        #expect(usage?["total_tokens"]?.asInt == (usage?["prompt_tokens"]?.asInt ?? 0) + 6)
        #expect(answer["usage", "kv_cache", "evicted_tokens"].asInt == 0)
        #expect(answer.text.hasPrefix("48213"))
        #expect(answer.response.header("x-kv-policy") == "keyformer")
        #expect(answer.response.header("content-type") == "application/json")
    }

    @Test func allFourPromptShapesAreAnswered() throws {
        let server = try server()
        let text = try server.complete(["prompt": "One", "max_tokens": 3, "temperature": 0])
        let texts = try server.complete(["prompt": ["One", "Two"], "max_tokens": 3, "temperature": 0])
        let ids = try server.complete(["prompt": [0, 300, 301], "max_tokens": 3, "temperature": 0])
        let lists = try server.complete(["prompt": [[0, 300, 301], [0, 302]], "max_tokens": 3, "temperature": 0])
        #expect([text, texts, ids, lists].map(\.status) == [200, 200, 200, 200])
        #expect(texts["choices", 0, "text"] == text["choices", 0, "text"])
        #expect(texts["choices"].asArray?.count == 2)
        #expect(ids["usage", "prompt_tokens"].asInt == 3)
        #expect(lists["choices", 0, "text"] == ids["choices", 0, "text"])
        #expect(lists["usage", "prompt_tokens"].asInt == 5)
    }

    @Test func streamedTextIsThePlainText() throws {
        let server = try server()
        let fields: JSONValue = [
            "prompt": .string(Self.prompt), "max_tokens": 20, "temperature": 0.8, "seed": 7, "n": 2,
        ]
        let plain = try server.complete(fields)
        let stream = EventStream(try server.post("/v1/completions", fields.with("stream", true).serialized()))
        #expect(stream.response.status == 200)
        #expect(stream.response.header("content-type") == "text/event-stream; charset=utf-8")
        #expect(stream.response.header("x-accel-buffering") == "no")
        #expect(stream.isDone)
        #expect(stream.strangeLines == [])
        for choice in 0..<2 {
            #expect(stream.text(choice: choice) == plain["choices", .index(choice), "text"].asString)
        }
        #expect(Set(stream.chunks.map { $0.asObject?["id"]?.asString }).count == 1)
        #expect(stream.chunks.allSatisfy { $0.asObject?["usage"] == nil })
    }

    @Test func usageComesInTheLastChunkWhenAskedFor() throws {
        let body: JSONValue = [
            "prompt": "Once", "max_tokens": 4, "stream": true, "stream_options": ["include_usage": true],
        ]
        let stream = EventStream(try server().post("/v1/completions", body.serialized()))
        let last = try #require(stream.chunks.last?.asObject)
        #expect(last["choices"]?.asArray == [])
        #expect(last["usage"]?.asObject?["completion_tokens"]?.asInt == 4)
        #expect(stream.chunks.dropLast().allSatisfy { $0.asObject?["usage"] == .null })
    }

    @Test func logprobsOfStreamAndPlainAnswerAgree() throws {
        let server = try server()
        let fields: JSONValue = [
            "prompt": .string(Self.prompt), "max_tokens": 5, "temperature": 0, "logprobs": 3, "echo": true,
        ]
        let plain = try server.complete(fields)
        let report = try #require(plain["choices", 0, "logprobs"].asObject)
        let tokens = try #require(report["tokens"]?.asArray)
        #expect(report["token_logprobs"]?.asArray?.count == tokens.count)
        #expect(report["top_logprobs"]?.asArray?.count == tokens.count)
        #expect(report["token_logprobs"]?.asArray?.first == .null)
        #expect(plain.text.hasPrefix(Self.prompt))
        #expect(plain["usage", "prompt_tokens"].asInt == tokens.count - 5)
        let stream = EventStream(try server.post("/v1/completions", fields.with("stream", true).serialized()))
        let streamed = stream.chunks.flatMap {
            $0.asObject?["choices"]?.asArray?.first?.asObject?["logprobs"]?.asObject?["token_logprobs"]?.asArray ?? []
        }
        #expect(streamed == report["token_logprobs"]?.asArray)
    }

    @Test func echoWithoutNewTokensScoresThePrompt() throws {
        let answer = try server().complete(["prompt": "Once upon", "max_tokens": 0, "echo": true, "logprobs": 0])
        #expect(answer.status == 200)
        #expect(answer.text == "Once upon")
        #expect(answer["usage", "completion_tokens"].asInt == 0)
    }

    @Test func sameSeedSameText() throws {
        let server = try server()
        let fields: JSONValue = ["prompt": "Once", "max_tokens": 16, "temperature": 1.2, "seed": 42]
        #expect(try server.complete(fields).text == server.complete(fields).text)
        let texts = try (0..<4).map { try server.complete(fields.with("seed", .integer($0))).text }
        #expect(Set(texts).count > 1)
    }

    @Test func stopStringEndsTheTextAndIsCut() throws {
        let answer = try server().complete([
            "prompt": .string(Self.prompt), "max_tokens": 20, "temperature": 0, "stop": ["."],
        ])
        #expect(answer.text == "48213")
        #expect(answer["choices", 0, "finish_reason"].asString == "stop")
        #expect(answer["choices", 0, "stop_reason"].asString == ".")
    }

    @Test func budgetIsReportedInUsageAndHeaders() throws {
        let answer = try server().complete([
            "prompt": .string(Self.prompt), "max_tokens": 8, "temperature": 0,
            "kv_cache": ["policy": "h2o", "budget_tokens": 20, "recent_ratio": 0.5],
        ])
        #expect(answer["usage", "kv_cache", "policy"].asString == "h2o")
        #expect(answer["usage", "kv_cache", "budget_tokens"].asInt == 20)
        #expect(answer["usage", "kv_cache", "prompt_tokens_retained"].asInt.map { $0 <= 20 } == true)
        #expect(answer["usage", "kv_cache", "evicted_tokens"].asInt.map { $0 > 0 } == true)
        #expect(answer.response.header("x-kv-policy") == "h2o")
        #expect(answer.response.header("x-kv-budget-tokens") == "20")
    }

    @Test func requestIDIsEchoedOrMinted() throws {
        let server = try server()
        let client = try server.client()
        let own = try client.exchange("GET /live HTTP/1.1\r\nHost: t\r\nX-Request-ID: abc-1\r\n\r\n")
        #expect(own.header("x-request-id") == "abc-1")
        let strange = try client.exchange("GET /live HTTP/1.1\r\nHost: t\r\nX-Request-ID: a b\"c\r\n\r\n")
        #expect(strange.header("x-request-id")?.hasPrefix("req-") == true)
    }
}

extension JSONValue {
    /// The object with one member set.
    func with(_ key: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let object) = self else { return self }
        var copy = JSONObject()
        for (name, old) in object where name != key { copy[name] = old }
        copy[key] = value
        return .object(copy)
    }
}
