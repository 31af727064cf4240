import JSON
import TestSupport
import Testing

/// Everything but generation: models, probes, metrics, methods.
@Suite(.server("--threads", "1"))
struct RouteTests {
    @Test func modelListAndModelAgree() throws {
        let server = try server()
        let list = Answer(try server.get("/v1/models"))
        #expect(list["object"].asString == "list")
        let model = try #require(list["data", 0].asObject)
        #expect(model["id"] == "recall3M")
        #expect(model["max_model_len"] == 4096)
        #expect(model["kv_bytes_per_token"] == 1584)
        #expect(Answer(try server.get("/v1/models/recall3M")).json == .object(model))
    }

    @Test(arguments: ["/health", "/ready", "/live", "/health/", "/ready?verbose=1"])
    func probesAnswer200(path: String) throws {
        let answer = Answer(try server().get(path))
        #expect(answer.status == 200)
        #expect(answer["status"].asString == "ok")
    }

    @Test(arguments: ["/health", "/ready", "/live", "/metrics", "/v1/models", "/v1/models/recall3M"])
    func headIsGetWithoutABody(path: String) throws {
        let client = try server().client()
        let head = try client.exchange("HEAD \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(head.status == 200)
        #expect(head.body == [])
        #expect(head.header("content-length").flatMap { Int($0) }.map { $0 > 0 } == true)
        #expect(try client.exchange("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n").status == 200)
    }

    @Test func optionsNamesTheMethods() throws {
        let client = try server().client()
        let answer = try client.exchange("OPTIONS /v1/completions HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(answer.status == 204)
        #expect(answer.header("allow") == "POST, OPTIONS")
    }

    @Test func metricsAreInPrometheusFormat() throws {
        let server = try server()
        _ = try server.complete(["prompt": "Once", "max_tokens": 2])
        let answer = try server.get("/metrics")
        #expect(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        for name in [
            "keyhold_requests_running", "keyhold_requests_waiting", "keyhold_kv_cache_usage_ratio",
            "keyhold_kv_pool_bytes{state=\"total\"}", "keyhold_generation_tokens_total", "keyhold_connections",
            "keyhold_time_to_first_token_seconds_count", "process_resident_memory_bytes",
        ] {
            #expect(answer.text.contains("\n\(name) "), "\(name)")
        }
        let build = answer.text.split(separator: "\n").first { $0.hasPrefix("keyhold_build_info{") }
        #expect(build?.contains("version=\"0.1.0\"") == true)
        #expect(answer.text.contains("endpoint=\"/v1/completions\",code=\"200\",finish_reason=\"length\""))
    }

    @Test func keepAliveConnectionServesManyRequests() throws {
        let client = try server().client()
        for _ in 0..<20 {
            try client.send(ServerUnderTest.request("/v1/completions", Array(#"{"prompt":"a","max_tokens":1}"#.utf8)))
            #expect(try client.readResponse().status == 200)
        }
    }
}
