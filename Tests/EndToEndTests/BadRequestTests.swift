import JSON
import TestSupport
import Testing

/// Every bad request gets the documented status and an error that names the field, and the server goes on.
@Suite(.server("--threads", "1", "--max-body-bytes", "1MiB", "--max-header-bytes", "8KiB"))
struct BadRequestTests {
    @Test(arguments: BadRequest.broken + BadRequest.misdirected + BadRequest.fields + BadRequest.caches)
    func badRequestIsRefusedAndExplained(bad: BadRequest) throws {
        let server = try server()
        let client = try server.client()
        let head = "\(bad.method) \(bad.path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(bad.body.count)\r\n\r\n"
        try client.send(Array(head.utf8) + bad.body)
        let answer = Answer(try client.readResponse())
        #expect(answer.status == bad.status)
        let error = try #require(answer["error"].asObject, "\(answer.response.text)")
        #expect(error.keys == ["message", "type", "param", "code"])
        #expect(error["param"] == bad.param.map { .string($0) } ?? .null)
        #expect(error["message"]?.asString?.isEmpty == false)
        #expect(error["type"]?.asString?.isEmpty == false)
        if let code = bad.code { #expect(error["code"]?.asString == code) }
        #expect(answer.response.header("content-type") == "application/json")
        #expect(answer.response.header("x-request-id") != nil)
        if bad.status == 405 { #expect(answer.response.header("allow")?.contains("OPTIONS") == true) }
        // The connection, and the server behind it, go on.
        #expect(try client.exchange("GET /ready HTTP/1.1\r\nHost: t\r\n\r\n").status == 200)
    }

    @Test func theTableIsLongEnough() {
        let count = (BadRequest.broken + BadRequest.misdirected + BadRequest.fields + BadRequest.caches).count
        #expect(count >= 60)
    }

    @Test func aBodyThatIsTooLargeIsA413() throws {
        let server = try server()
        let body =
            Array(#"{"prompt":""#.utf8) + Array(repeating: UInt8(ascii: "a"), count: 2 << 20) + Array(#""}"#.utf8)
        let answer = Answer(try server.post("/v1/completions", body))
        #expect(answer.status == 413)
        #expect(answer["error", "type"].asString == "request_too_large")
        #expect(try server.get("/ready").status == 200)
    }

    @Test func aHeadThatIsTooLargeIsA431() throws {
        let server = try server()
        let head = "GET /ready HTTP/1.1\r\nHost: t\r\nX-Long: \(String(repeating: "a", count: 16_000))\r\n\r\n"
        let answer = Answer(try server.client().exchange(head))
        #expect(answer.status == 431)
        #expect(answer["error", "message"].asString?.isEmpty == false)
        #expect(try server.get("/ready").status == 200)
    }

    @Test func anErrorInAStreamedRequestIsAnOrdinaryAnswer() throws {
        let answer = Answer(try server().post("/v1/completions", #"{"prompt":"a","stream":true,"top_p":7}"#))
        #expect(answer.status == 400)
        #expect(answer["error", "param"].asString == "top_p")
        #expect(answer.response.header("x-should-retry") == "false")
    }

    @Test func unknownTopLevelFieldsAreIgnoredAndCounted() throws {
        let server = try server()
        let before = try server.metric("keyhold_unknown_fields_total") ?? 0
        let answer = try server.complete(["prompt": "Once", "max_tokens": 1, "flavour": "mint", "mood": 3])
        #expect(answer.status == 200)
        #expect(try server.metric("keyhold_unknown_fields_total") == before + 2)
    }

    @Test func nullMeansAbsent() throws {
        let answer = try server().complete([
            "prompt": "Once", "max_tokens": 1, "temperature": nil, "stop": nil, "kv_cache": nil, "logit_bias": nil,
            "stream": nil, "stream_options": nil, "logprobs": nil, "seed": nil, "model": nil,
        ])
        #expect(answer.status == 200)
    }
}

/// With `strict_fields` unknown fields are refused too.
@Suite(.server("--strict-fields", "true", "--threads", "1"))
struct StrictFieldTests {
    @Test func unknownTopLevelFieldIsRefused() throws {
        let answer = try server().complete(["prompt": "Once", "flavour": "mint"])
        #expect(answer.status == 400)
        #expect(answer["error", "param"].asString == "flavour")
    }
}
