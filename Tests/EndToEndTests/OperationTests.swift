import Foundation
import JSON
import TestSupport
import Testing

/// Metrics on their own listener, reload, TLS, CORS, logs, `top`.
@Suite struct OperationTests {
    private static let short: JSONValue = ["prompt": "Once", "max_tokens": 2, "temperature": 0]

    @Test func metricsHaveTheirOwnListener() throws {
        let folder = try TemporaryFolder()
        let socket = "\(folder.path)/m.sock"
        let server = try ServerUnderTest(
            ["--threads", "1", "--metrics-listen", "unix:\(socket)", "--metrics-compat", "vllm"])
        #expect(try server.complete(Self.short).status == 200)
        for path in ["/metrics", "/status", "/metrics/", "/%6detrics", "//metrics", "/x/../metrics"] {
            #expect(try server.get(path).status == 404, "\(path)")
        }
        func admin(_ path: String) throws -> Answer {
            Answer(try SocketClient(unixPath: socket).exchange("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n"))
        }
        let metrics = try admin("/metrics").response.text
        for name in [
            "vllm:num_requests_running{model_name=\"recall3M\",engine=\"0\"} 0",
            "vllm:num_requests_waiting{", "vllm:kv_cache_usage_perc{", "vllm:cache_config_info{block_size=\"1\"",
            "vllm:time_to_first_token_seconds_count{model_name=\"recall3M\",engine=\"0\"} 1",
            "vllm:inter_token_latency_seconds_bucket{", "vllm:e2e_request_latency_seconds_sum{",
            "vllm:prompt_tokens_total{", "vllm:generation_tokens_total{model_name=\"recall3M\",engine=\"0\"} 2",
            "keyhold_model_loaded 1", "keyhold_kv_config_info{", "keyhold_kv_tokens{state=\"total\"} ",
            "keyhold_kv_byte_seconds_total{key=\"anonymous\"} ", "keyhold_kv_shrinks_total 0",
        ] {
            #expect(metrics.contains("\n\(name)"), "\(name)")
        }
        let status = try admin("/status")
        #expect(status["phase"].asString == "serving")
        #expect(status["tokens", "generated"].asInt == 2)
        #expect(status["requests"].asArray == [])
        for path in ["/v1/models", "/v1/completions", "/"] { #expect(try admin(path).status == 404, "\(path)") }
        for path in ["/live", "/ready", "/health"] { #expect(try admin(path).status == 200, "\(path)") }
        let top = try Command.run(["top", "--once", "unix:\(socket)"])
        #expect(top.status == 0)
        #expect(top.text.contains("recall3M  serving"))
        #expect(top.text.contains("REQUEST"))
        #expect(try Command.run(["top", "--once", "http://127.0.0.1:\(server.port)"]).errorText.contains("404"))
    }

    @Test func statusShowsWhatRuns() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let client = try server.client()
        let long: JSONValue = ["prompt": "Once upon", "max_tokens": 3000, "ignore_eos": true, "stream": true]
        try client.send(ServerUnderTest.request("/v1/completions", long.serialized()))
        #expect(try client.readHead().status == 200)
        _ = try client.readChunk()
        let status = Answer(try server.get("/status"))
        let request = try #require(status["requests", 0].asObject)
        #expect(request["key"] == "anonymous")
        #expect(request["kv_policy"] == "keyformer")
        #expect((request["kv_bytes"]?.asInt ?? 0) > 0)
        #expect(status["sequences", "running"].asInt == 1)
        #expect(!status.response.text.contains("Once"))
        client.close()
        var isEmpty = false
        for _ in 0..<250 where !isEmpty {
            sleepMilliseconds(20)
            isEmpty = Answer(try server.get("/status"))["requests"].asArray == []
        }
        #expect(isEmpty)
    }

    @Test func reloadChangesTheLogLevelAndNamesWhatNeedsARestart() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("log_level: warning\nmax_queue: 5\n", to: "c.yaml")
        let server = try ServerUnderTest(["--config", file, "--threads", "1"])
        #expect(try server.complete(Self.short).status == 200)
        _ = try folder.write("log_level: debug\nmax_queue: 6\n", to: "c.yaml")
        server.send(SIGHUP)
        for _ in 0..<250 where !server.log.contains("reloaded") { sleepMilliseconds(20) }
        #expect(server.log.contains("settings=max_queue") || server.log.contains("settings=\"max_queue\""))
        // Its line is written after the answer, so perhaps after the reload.
        let before = server.log.components(separatedBy: "reloaded").first ?? ""
        #expect(!before.contains("status=200"))
        _ = try server.get("/health")
        for _ in 0..<250 where !server.log.contains("path=/health") { sleepMilliseconds(20) }
        #expect(server.log.contains("path=/health"))
    }

    @Test(.enabled(if: TestCertificate.canBeMade, "needs openssl and curl"))
    func servesOverTLSAndTakesANewCertificateOnSIGHUP() throws {
        let folder = try TemporaryFolder()
        let first = try TestCertificate("first", in: folder)
        let server = try ServerUnderTest(
            ["--threads", "1", "--tls-certificate", first.certificate, "--tls-key", first.key])
        let address = "https://localhost:\(server.port)/v1/completions"
        func post(_ authority: String) throws -> Tool.Outcome {
            try Tool.run(
                "curl",
                ["-sS", "--max-time", "20", "--cacert", authority, "-d", #"{"prompt":"Once","max_tokens":2}"#, address])
        }
        let old = try String(contentsOfFile: first.certificate, encoding: .utf8)
        #expect(try post(first.certificate).text.contains("text_completion"))
        let second = try TestCertificate("second", in: folder)
        let oldAuthority = try folder.write(old, to: "old.crt")
        for (from, to) in [(second.certificate, first.certificate), (second.key, first.key)] {
            try FileManager.default.removeItem(atPath: to)
            try FileManager.default.copyItem(atPath: from, toPath: to)
        }
        server.send(SIGHUP)
        for _ in 0..<250 where !server.log.contains("reloaded") { sleepMilliseconds(20) }
        #expect(try post(second.certificate).text.contains("text_completion"))
        #expect(try post(oldAuthority).status != 0)
        _ = try folder.write("garbage", to: "first.key")
        server.send(SIGHUP)
        for _ in 0..<250 where !server.log.contains("the old one stays") { sleepMilliseconds(20) }
        #expect(server.log.contains("first.key"))
        #expect(try post(second.certificate).text.contains("text_completion"))
    }

    @Test func pagesOfOtherOriginsNeedAllowance() throws {
        let server = try ServerUnderTest(["--threads", "1", "--cors-origins", "https://a.example"])
        func ask(_ method: String, _ origin: String, _ more: String = "") throws -> SocketResponse {
            let client = try server.client()
            return try client.exchange(
                "\(method) /v1/models HTTP/1.1\r\nHost: t\r\nOrigin: \(origin)\r\n\(more)\r\n")
        }
        let preflight = "Access-Control-Request-Method: GET\r\n"
        let allowed = try ask("OPTIONS", "https://a.example", preflight)
        #expect(allowed.status == 204)
        #expect(allowed.header("access-control-allow-origin") == "https://a.example")
        #expect(allowed.header("access-control-allow-methods")?.contains("GET") == true)
        #expect(allowed.header("access-control-allow-headers")?.contains("authorization") == true)
        #expect(try ask("GET", "https://a.example").header("access-control-allow-origin") == "https://a.example")
        for origin in ["https://b.example", "null", "https://a.example.b"] {
            #expect(try ask("OPTIONS", origin, preflight).header("access-control-allow-origin") == nil)
            #expect(try ask("GET", origin).header("access-control-allow-origin") == nil)
        }
    }

    @Test func aPageCannotMakeABrowserSpendWork() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        let body = #"{"prompt":"Once","max_tokens":1}"#
        func post(_ origin: String) throws -> Answer {
            Answer(
                try server.client().exchange(
                    "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nOrigin: \(origin)\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"))
        }
        let refused = try post("https://evil.example")
        #expect(refused.status == 403)
        #expect(refused["error", "code"].asString == "origin_not_allowed")
        #expect(try post("http://127.0.0.1:\(server.port)").status == 200)
    }

    @Test func keyNewPrintsAKeyAndItsEntry() throws {
        let fresh = try Command.run(["key", "new", "team-a"])
        let lines = fresh.text.split(separator: "\n").map(String.init)
        let key = try #require(lines.first { !$0.hasPrefix("#") })
        let entry = try Command.run(["key", "hash", "team-a"], input: key + "\n")
        #expect(lines.last.map { $0 + "\n" } == entry.text)
        #expect(try Command.run(["key", "new", "team-a"]).text != fresh.text)
        let bad = try Command.run(["key", "new", "a b"])
        #expect(bad.status != 0 && bad.errorText.contains("'a b' cannot be a key's name"))
        #expect(try Command.run(["key", "hash", "a"], input: "short\n").status != 0)
    }

    @Test func checkConfigSaysWhatIsWrong() throws {
        let good = try Command.run(["check-config", "--port", "1", "--host", "0.0.0.0"])
        #expect(good.status == 0 && good.text == "configuration is valid\n")
        #expect(good.errorText.contains("no API keys"))
        for (arguments, words) in [
            (["--port", "x"], "port is 'x'"), (["--config", "/nonexistent"], "/nonexistent"),
            (["--api-keys-file", "/nonexistent"], "/nonexistent"),
            (["--tls-certificate", "/nonexistent"], "/nonexistent"), (["--tls-key", "a"], "tls_certificate"),
            (["--session-save-path", "/nonexistent"], "/nonexistent"),
            (["--host", "999.1.1.1"], "host is '999.1.1.1'"),
            (["--metrics-listen", "example.org:9090"], "metrics_listen is 'example.org:9090'"),
        ] {
            let outcome = try Command.run(["check-config"] + arguments)
            #expect(outcome.status != 0)
            #expect(outcome.errorText.contains(words), "\(outcome.errorText)")
        }
    }

    @Test func aServerThatOthersCanReachWarnsWithoutKeys() throws {
        let open = try ServerUnderTest(["--threads", "1", "--host", "0.0.0.0"])
        #expect(open.log.contains("no API keys"))
        let local = try ServerUnderTest(["--threads", "1"])
        #expect(!local.log.contains("no API keys"))
    }
}
