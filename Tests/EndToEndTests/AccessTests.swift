import Foundation
import JSON
import TestSupport
import Testing

/// API keys from the outside.
@Suite struct AccessTests {
    private static let short: JSONValue = ["prompt": "Once", "max_tokens": 2, "temperature": 0]

    @Test func withoutAKeyEverythingButTheProbesIsClosed() throws {
        let keyed = try KeyedServer([("a", "")])
        for path in ["/live", "/ready", "/health", "/live/", "/health?x=1"] {
            #expect(try keyed.get(path, key: nil).status == 200, "\(path)")
        }
        for path in [
            "/v1/models", "/v1/models/recall3M", "/metrics", "/status", "/", "/nothing", "/LIVE", "/live/x",
            "/live%2fx",
            "//live", "/live//", "/v1/../live/../v1/models", "/live/..%2fmetrics", "/%6d%65trics", "/live;/../metrics",
            "/live%00", "/live%0a", "/ready%3f/../metrics", "/live/../metrics",
        ] {
            let answer = try keyed.get(path, key: nil)
            #expect(answer.status == 401 || answer.status == 400, "\(path): \(answer.status)")
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "get"] {
            #expect(try keyed.exchange(method, "/v1/completions").status == 401, "\(method)")
        }
        let refused = try keyed.complete(Self.short, key: nil)
        #expect(refused.status == 401)
        #expect(refused["error", "code"].asString == "invalid_api_key")
        #expect(refused["error", "type"].asString == "authentication_error")
        #expect(refused.response.header("www-authenticate") == "Bearer realm=\"keyhold\"")
        #expect(refused.response.header("x-should-retry") == "false")
    }

    @Test func aKeyOpensAndAWrongOneDoesNot() throws {
        let keyed = try KeyedServer([("a", ""), ("b", "admin: true")])
        for name in ["a", "b"] { #expect(try keyed.complete(Self.short, key: name).status == 200) }
        let good = KeyedServer.key("a")
        for header in [
            "Bearer \(good)x", "Bearer \(good.dropLast())", "Bearer \(good.uppercased())", "Basic \(good)", good,
            "Bearer", "Bearer  ", "Bearer \(good), Bearer \(good)", "Token \(good)",
        ] {
            let answer = try keyed.exchange("GET", "/v1/models", headers: ["Authorization: \(header)"])
            #expect(answer.status == 401, "\(header)")
        }
        #expect(try keyed.exchange("GET", "/v1/models", headers: ["authorization: bearer \(good)"]).status == 200)
        // Two headers: the first counts, and a valid second one does not help.
        let two = ["Authorization: Bearer x", "Authorization: Bearer \(good)"]
        #expect(try keyed.exchange("GET", "/v1/models", headers: two).status == 401)
        #expect(try keyed.exchange("GET", "/v1/models?api_key=\(good)", headers: ["X-Api-Key: \(good)"]).status == 401)
        #expect(try keyed.get("/metrics", key: "a").status == 403)
        #expect(try keyed.get("/status", key: "a")["error", "type"].asString == "permission_error")
        let metrics = try keyed.get("/metrics", key: "b").response.text
        #expect(metrics.contains("\nkeyhold_authentication_failures_total 11\n"))
        let costs = metrics.split(separator: "\n").filter { $0.hasPrefix("keyhold_kv_byte_seconds_total{key=\"a\"} ") }
        #expect(costs.count == 1 && !costs[0].hasSuffix(" 0"))
        // Names are logged, keys never.
        #expect(try keyed.eventually { keyed.server.log.contains("key_name=b") })
        #expect(keyed.server.log.contains("key_name=a"))
        #expect(!keyed.server.log.contains("test-key"))
        #expect(!metrics.contains("test-key"))
    }

    @Test func limitsOfAKeyAreNamedIn429() throws {
        let keyed = try KeyedServer([
            ("few", "requests_per_minute: 2"), ("one", "max_concurrent: 1"), ("x", "admin: true"),
        ])
        for left in ["1", "0"] {
            let answer = try keyed.complete(Self.short, key: "few").response
            #expect(answer.status == 200)
            #expect(answer.header("x-ratelimit-limit-requests") == "2")
            #expect(answer.header("x-ratelimit-remaining-requests") == left)
            #expect(answer.header("x-ratelimit-reset-requests")?.hasSuffix("s") == true)
        }
        let refused = try keyed.complete(Self.short, key: "few")
        #expect(refused.status == 429)
        #expect(refused.response.header("x-ratelimit-remaining-requests") == "0")
        #expect(refused["error", "code"].asString == "rate_limit_exceeded")
        #expect(
            refused["error", "message"].asString?.contains("requests_per_minute of the key 'few' is reached: 2") == true
        )
        #expect(refused.response.header("retry-after").flatMap { Int($0) }.map { (20...31).contains($0) } == true)
        // Reading does not count, other keys do not share.
        #expect(try keyed.get("/v1/models", key: "few").status == 200)
        let unlimited = try keyed.complete(Self.short, key: "one").response
        #expect(unlimited.status == 200)
        #expect(unlimited.header("x-ratelimit-limit-requests") == nil)
        let long: JSONValue = ["prompt": "Once", "max_tokens": 1500, "ignore_eos": true, "stream": true]
        let client = try keyed.server.client()
        let body = String(decoding: long.serialized(), as: UTF8.self)
        try client.send(
            "POST /v1/completions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer \(KeyedServer.key("one"))\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try client.readHead().status == 200)
        let second = try keyed.complete(Self.short, key: "one")
        #expect(second.status == 429)
        #expect(second["error", "message"].asString?.contains("max_concurrent of the key 'one' is reached: 1") == true)
        client.close()
        #expect(try keyed.eventually { try keyed.complete(Self.short, key: "one").status == 200 })
        let metrics = try keyed.get("/metrics", key: "x").response.text
        #expect(metrics.contains("keyhold_key_limit_rejections_total{limit=\"requests_per_minute\"} 1"))
    }

    @Test func aKeysMemoryAndPriorityAreBounds() throws {
        let keyed = try KeyedServer([
            ("small", "kv_max_bytes: 64KiB"), ("high", "priority: 5"), ("low", "priority: -3"),
        ])
        let large = try keyed.complete(["prompt": "Once", "max_tokens": 200], key: "small")
        #expect(large.status == 400)
        #expect(large["error", "code"].asString == "kv_budget_unsatisfiable")
        #expect(large["error", "message"].asString?.contains("at most 65536") == true)
        #expect(try keyed.complete(Self.short, key: "small").status == 200)
        for (name, priority, status) in [
            ("high", 5, 200), ("high", -1000, 200), ("high", 6, 400), ("low", -3, 200), ("low", 0, 400),
            ("small", 0, 200), ("small", 1, 400), ("small", -1001, 400),
        ] {
            let answer = try keyed.complete(Self.short.with("priority", .integer(priority)), key: name)
            #expect(answer.status == status, "\(name) \(priority): \(answer.response.text)")
            if status == 400 { #expect(answer["error", "param"].asString == "priority") }
        }
        #expect(try keyed.complete(Self.short, key: "low").status == 200)
    }

    @Test func reloadChangesKeysAndAWrongFileKeepsThem() throws {
        let keyed = try KeyedServer([("a", ""), ("gone", "")])
        #expect(try keyed.complete(Self.short, key: "gone").status == 200)
        try keyed.write([("a", ""), ("new", "")])
        keyed.server.send(SIGHUP)
        #expect(try keyed.eventually { try keyed.complete(Self.short, key: "new").status == 200 })
        #expect(try keyed.complete(Self.short, key: "gone").status == 401)
        #expect(try keyed.complete(Self.short, key: "a").status == 200)
        _ = try keyed.folder.write("api_keys: [{name: a}]\n", to: "keys.yaml")
        keyed.server.send(SIGHUP)
        #expect(try keyed.eventually { keyed.server.log.contains("reload refused; the old settings stay") })
        #expect(try keyed.complete(Self.short, key: "new").status == 200)
        try FileManager.default.removeItem(atPath: keyed.keyFile)
        keyed.server.send(SIGHUP)
        #expect(try keyed.eventually { keyed.server.log.contains("does not exist") })
        #expect(try keyed.complete(Self.short, key: "a").status == 200)
    }
}
