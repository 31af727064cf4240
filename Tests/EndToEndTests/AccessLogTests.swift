import Foundation
import JSON
import TestSupport
import Testing

/// One line per request, in JSON, that no client can forge.
@Suite struct AccessLogTests {
    /// The lines of requests, once there are so many.
    private func lines(_ server: ServerUnderTest, count: Int) throws -> [JSONObject] {
        var found: [JSONObject] = []
        for _ in 0..<250 {
            found = try server.log.split(separator: "\n").map { line in
                try #require(try JSONValue(parsing: Array(line.utf8), limits: .request).asObject, "\(line)")
            }.filter { $0["event"] == "request" }
            if found.count >= count { break }
            sleepMilliseconds(20)
        }
        return found
    }

    @Test func everyRequestIsOneLineWithItsCosts() throws {
        let server = try ServerUnderTest(["--threads", "1", "--log-format", "json"])
        let body: JSONValue = [
            "prompt": "A secret prompt about Ann", "max_tokens": 4, "temperature": 0,
            "kv_cache": ["policy": "keyformer", "budget_tokens": 8],
        ]
        #expect(try server.complete(body).status == 200)
        #expect(try server.post("/v1/completions", "{").status == 400)
        #expect(try server.get("/nothing").status == 404)
        #expect(try server.get("/health").status == 200)
        let lines = try lines(server, count: 3)
        #expect(lines.count == 3)
        let first = lines[0]
        for (key, value) in [
            ("status", JSONValue.integer(200)), ("method", "POST"), ("path", "/v1/completions"),
            ("key_name", "anonymous"), ("model", "recall3M"), ("kv_policy", "keyformer"),
            ("kv_budget_tokens", 8), ("completion_tokens", 4), ("finish_reason", "length"),
        ] {
            #expect(first[key] == value, "\(key)")
        }
        for key in [
            "duration_ms", "ttft_ms", "tpot_ms", "queue_ms", "prefill_ms", "decode_ms", "kv_peak_bytes",
            "evicted_tokens", "byte_seconds", "prompt_tokens",
        ] {
            #expect(first[key]?.asDouble != nil, "\(key)")
        }
        #expect(lines.map { $0["status"]?.asInt } == [200, 400, 404])
        #expect(!server.log.contains("secret"))
        #expect(!server.log.contains("Ann"))
    }

    @Test func aLineNamesTheSession() throws {
        let server = try ServerUnderTest(["--threads", "1", "--log-format", "json"])
        #expect(try server.post("/v1/sessions", #"{"id": "of-Ann"}"#).status == 201)
        #expect(try server.complete(["prompt": "Once", "max_tokens": 2, "session_id": "of-Ann"]).status == 200)
        #expect(try server.get("/v1/sessions/of-Ann").status == 200)
        #expect(try server.complete(["prompt": "Once", "max_tokens": 2]).status == 200)
        #expect(try server.get("/v1/sessions/of%0AAnn").status == 404)
        let lines = try lines(server, count: 5)
        #expect(lines.map { $0["session_id"]?.asString } == ["of-Ann", "of-Ann", "of-Ann", nil, nil])
    }

    /// Line breaks, controls, quotes, escapes of terminals, bidirectional text and broken UTF-8 wherever a client may
    /// write.
    @Test func noClientCanForgeALine() throws {
        let server = try ServerUnderTest(["--threads", "1", "--log-format", "json"])
        let forged = #"{"event":"request","status":200}"#
        let heads: [[UInt8]] = [
            "GET /x%0A\(forged.replacing(" ", with: "%20")) HTTP/1.1\r\nHost: t\r\n\r\n",
            "GET /%1b%5b2J%0d%0a%22%7d HTTP/1.1\r\nHost: t\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: t\r\nX-Request-ID: a\u{1B}[2J\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: t\r\nX-Request-ID: a\",\"status\":\"1\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: t\r\nX-Request-ID: \(String(repeating: "a", count: 200))\r\n\r\n",
            "GET /%e2%80%ae%e2%80%a8%c2%85%ff%fe HTTP/1.1\r\nHost: t\r\n\r\n",
            "G\"ET /x HTTP/1.1\r\nHost: t\r\n\r\n",
        ].map { Array($0.utf8) }
        for head in heads {
            let client = try server.client()
            try client.send(head)
            _ = client.readToEnd(within: .milliseconds(300))
        }
        let lines = try lines(server, count: 6)
        #expect(lines.count >= 6 && lines.count <= heads.count)
        #expect(lines.allSatisfy { [404, 400].contains($0["status"]?.asInt) })
        #expect(
            server.log.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 && !(127...159).contains($0.value) })
        #expect(!server.log.contains("\u{202E}") && !server.log.contains("\u{2028}"))
        for line in lines {
            let id = line["request_id"]?.asString ?? ""
            #expect((1...128).contains(id.utf8.count))
            #expect(id.hasPrefix("req-"))
        }
    }
}
