import JSON
import TestSupport
import Testing

/// Streams under slow readers, long silences and full houses.
@Suite struct StreamTests {
    @Test func aSlowReaderPausesItsRequestAndLosesNothing() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let fields: JSONValue = [
            "prompt": "Once", "max_tokens": 1200, "ignore_eos": true, "temperature": 0.9, "seed": 11, "logprobs": 20,
            "n": 4,
        ]
        let client = try SocketClient(port: server.port, receiveBufferBytes: 4096)
        client.timeout = .seconds(300)
        try client.send(ServerUnderTest.request("/v1/completions", fields.with("stream", true).serialized()))
        let generated = try waitUntilGenerationStops(server)
        #expect(generated < 4 * 1200, "the reader was never too slow; make the answer longer")
        #expect(try server.metric("keyhold_requests_running") == 4)
        // Others are served meanwhile.
        #expect(try server.complete(["prompt": "Two", "max_tokens": 3]).status == 200)
        let stream = EventStream(try client.readResponse())
        #expect(stream.isDone && stream.strangeLines == [])
        let plain = try server.complete(fields)
        for choice in 0..<4 {
            #expect(stream.text(choice: choice) == plain["choices", .index(choice), "text"].asString)
        }
        #expect(try server.idlePoolBytes() == 0)
    }

    /// Tokens generated when their number has not changed for a while.
    private func waitUntilGenerationStops(_ server: ServerUnderTest) throws -> Int {
        var (last, unchanged) = (-1, 0)
        for _ in 0..<3000 where unchanged < 20 {
            let now = Int(try server.metric("keyhold_generation_tokens_total") ?? 0)
            unchanged = now == last && now > 0 ? unchanged + 1 : 0
            last = now
            sleepMilliseconds(50)
        }
        return last
    }

    @Test func silenceIsFilledWithComments() throws {
        let server = try ServerUnderTest(["--threads", "1", "--sse-ping", "50ms", "--max-sequences", "1"])
        let first = try server.client()
        let long: JSONValue = ["prompt": "Once", "max_tokens": 1500, "ignore_eos": true, "stream": true]
        try first.send(ServerUnderTest.request("/v1/completions", long.serialized()))
        _ = try first.readHead()
        let waiting = try server.client()
        let body: JSONValue = ["prompt": "Two", "max_tokens": 2, "stream": true]
        try waiting.send(ServerUnderTest.request("/v1/completions", body.serialized()))
        #expect(try waiting.readHead().status == 200)
        #expect(try waiting.readChunk().map { String(decoding: $0, as: UTF8.self) } == ": ping\n\n")
        first.close()
        var rest: [UInt8] = []
        while let chunk = try waiting.readChunk() { rest += chunk }
        #expect(String(decoding: rest.suffix(14), as: UTF8.self) == "data: [DONE]\n\n")
    }

    @Test func aRequestThatWaitsTooLongIsA429AndInAStreamAnError() throws {
        let server = try ServerUnderTest(["--threads", "1", "--max-sequences", "1", "--queue-timeout", "100ms"])
        let first = try server.client()
        let long: JSONValue = ["prompt": "Once", "max_tokens": 2000, "ignore_eos": true, "stream": true]
        try first.send(ServerUnderTest.request("/v1/completions", long.serialized()))
        _ = try first.readHead()
        _ = try first.readChunk()
        let plain = try server.complete(["prompt": "Two", "max_tokens": 2])
        #expect(plain.status == 429)
        #expect(plain["error", "code"].asString == "queue_timeout")
        #expect(plain.response.header("retry-after").flatMap { Int($0) }.map { (1...120).contains($0) } == true)
        let stream = EventStream(try server.post("/v1/completions", #"{"prompt":"Two","stream":true}"#))
        #expect(stream.isDone)
        #expect(stream.chunks.last?.asObject?["error"]?.asObject?["code"] == "queue_timeout")
        first.close()
    }

    @Test func everyTokenIsItsOwnEventUnlessItHasNoText() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let body: JSONValue = ["prompt": [0, 300], "max_tokens": 8, "temperature": 0, "stream": true, "logprobs": 0]
        let stream = EventStream(try server.post("/v1/completions", body.serialized()))
        let tokens = stream.chunks.compactMap {
            $0.asObject?["choices"]?.asArray?.first?.asObject?["logprobs"]?.asObject?["tokens"]?.asArray?.count
        }
        #expect(tokens.reduce(0, +) == 8)
    }
}
