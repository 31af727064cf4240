import Foundation
import JSON
import TestSupport
import Testing

/// Starting, draining, ending.
@Suite struct LifecycleTests {
    /// A request that runs for many steps.
    private static let long: JSONValue = [
        "prompt": "Once", "max_tokens": 1500, "ignore_eos": true, "temperature": 0, "stream": true,
    ]

    private func startLongStream(_ server: ServerUnderTest) throws -> SocketClient {
        let client = try server.client()
        try client.send(ServerUnderTest.request("/v1/completions", Self.long.serialized()))
        #expect(try client.readHead().status == 200)
        _ = try client.readChunk()
        return client
    }

    @Test func afterSIGTERMRunningRequestsEndAndNewOnesAreRefused() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let client = try startLongStream(server)
        let other = try server.client()
        #expect(try other.exchange("GET /ready HTTP/1.1\r\nHost: t\r\n\r\n").status == 200)
        server.send(SIGTERM)
        try waitUntil { try other.exchange("GET /ready HTTP/1.1\r\nHost: t\r\n\r\n").status == 503 }
        #expect(try other.exchange("GET /live HTTP/1.1\r\nHost: t\r\n\r\n").status == 200)
        try other.send(ServerUnderTest.request("/v1/completions", Array(#"{"prompt":"a"}"#.utf8)))
        let refused = Answer(try other.readResponse())
        #expect(refused.status == 503)
        #expect(refused["error", "type"].asString == "service_unavailable")
        #expect(refused.response.header("retry-after") != nil)
        var body: [UInt8] = []
        while let chunk = try client.readChunk() { body += chunk }
        #expect(String(decoding: body.suffix(14), as: UTF8.self) == "data: [DONE]\n\n")
        #expect(server.exitStatus(within: .seconds(60)) == 0)
    }

    @Test func graceThatIsOverCutsWhatRuns() throws {
        let server = try ServerUnderTest(["--threads", "1", "--drain-grace", "200ms"])
        let client = try startLongStream(server)
        let whole = try server.client()
        var body = Self.long.asObject ?? JSONObject()
        body["stream"] = false
        body["n"] = 8
        try whole.send(ServerUnderTest.request("/v1/completions", JSONValue.object(body).serialized()))
        _ = try client.readChunk()
        server.send(SIGINT)
        #expect(server.exitStatus(within: .seconds(60)) == 0)
        let end = client.readToEnd(within: .seconds(10))
        #expect(end.ending != .stillOpen)
        // A piece of an answer must not look like one that ended at max_tokens.
        let stream = String(decoding: end.bytes, as: UTF8.self)
        #expect(stream.contains(#"data: {"error":{"message":"The server is shutting down; the answer is not"#))
        #expect(stream.contains("data: [DONE]"))
        #expect(!stream.contains(#""finish_reason":"length""#))
        let answer = Answer(try whole.readResponse())
        #expect(answer.status == 503)
        #expect(answer.response.header("retry-after") == "5")
    }

    @Test func aSecondSignalEndsAtOnce() throws {
        let server = try ServerUnderTest(["--threads", "1", "--drain-grace", "10m"])
        let client = try startLongStream(server)
        server.send(SIGTERM)
        try waitUntil { server.log.contains("draining") }
        server.send(SIGTERM)
        #expect(server.exitStatus(within: .seconds(10)) == 128 + SIGTERM)
        client.close()
    }

    @Test func anIdleServerEndsWithZeroOnBothSignals() throws {
        for signal in [SIGTERM, SIGINT] {
            let server = try ServerUnderTest(["--threads", "1"])
            server.send(signal)
            #expect(server.exitStatus(within: .seconds(20)) == 0)
        }
    }

    @Test func whatCannotStartSaysWhyAndEndsWithAnError() throws {
        let taken = try ServerUnderTest(["--threads", "1"])
        for (arguments, words) in [
            (["--port", "\(taken.port)"], "cannot listen on 127.0.0.1 port \(taken.port)"),
            (["--model", "/nonexistent.gguf"], "/nonexistent.gguf"),
            (["--port", "99999"], "port is '99999'"),
            (["--host", "nowhere"], "host is 'nowhere'"),
        ] {
            let outcome = try Command.run(["serve"] + arguments)
            #expect(outcome.status != 0)
            #expect(outcome.errorText.contains(words), "\(arguments): \(outcome.errorText)")
        }
    }

    @Test func settingsComeFromFileEnvironmentAndArguments() throws {
        let file = NSTemporaryDirectory() + "keyhold-\(UUID().uuidString).yaml"
        try "model_name: from-file\nmax_queue: 7\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let server = try ServerUnderTest(
            ["--config", file, "--threads", "1"], environment: ["KEYHOLD_MODEL_NAME": "from-environment"])
        #expect(Answer(try server.get("/v1/models"))["data", 0, "id"].asString == "from-environment")
        let printed = try Command.run(["serve", "--config", file, "--model-name", "from-argument", "--print-config"])
        #expect(printed.status == 0)
        #expect(printed.text.contains("model_name: from-argument  # --model-name"))
        #expect(printed.text.contains("max_queue: 7  # \(file):2"))
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        for _ in 0..<500 {
            if try condition() { return }
            sleepMilliseconds(20)
        }
        Issue.record("the condition did not come true within 10 s")
    }
}
