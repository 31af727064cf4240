import Foundation
import JSON
import TestSupport
import Testing

/// Made when the suite's trait is, before the server starts.
enum SessionTestFolder {
    static let path: String = {
        let path = NSTemporaryDirectory() + "keyhold-sessions-\(ProcessInfo.processInfo.processIdentifier)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }()
}

/// Sessions of a real server, over HTTP.
@Suite(.server("--threads", "2", "--session-save-path", SessionTestFolder.path, "--session-ttl-max", "2h"))
struct SessionTests {
    private static let story =
        " The code of Ann is 48213. The code of Ben is 11725. Once upon a time there was a river."

    private func call(
        _ method: String, _ path: String, _ body: String = "", headers: String = ""
    ) throws -> Answer {
        let client = try server().client()
        let head = "\(method) \(path) HTTP/1.1\r\nHost: test\r\n\(headers)"
        try client.send("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        return Answer(try client.readResponse())
    }

    private func make(_ id: String, _ cache: String = "{}") throws {
        let answer = try call("POST", "/v1/sessions", #"{"id": "\#(id)", "kv_cache": \#(cache)}"#)
        #expect(answer.status == 201, "\(answer.response.text)")
    }

    /// One greedy turn with logprobs.
    private func turn(_ id: String?, _ prompt: String, more: String = "") throws -> Answer {
        let session = id.map { #", "session_id": "\#($0)""# } ?? ""
        let text = String(decoding: JSONValue.string(prompt).serialized(), as: UTF8.self)
        return try call(
            "POST", "/v1/completions",
            #"{"prompt": \#(text), "max_tokens": 8, "temperature": 0, "ignore_eos": true, "logprobs": 3"#
                + "\(session)\(more)}")
    }

    private func code(_ answer: Answer) -> String? { answer["error", "code"].asString }

    @Test func turnsOfAFullCacheEqualOneRequest() throws {
        try make("full", #"{"policy": "full"}"#)
        try make("roomy", #"{"policy": "keyformer", "budget_tokens": 400}"#)
        var prompt = Self.story
        for round in 0..<4 {
            let whole = try turn(nil, prompt, more: #", "kv_cache": {"policy": "full"}"#)
            for id in ["full", "roomy"] {
                let answer = try turn(id, prompt)
                #expect(answer.choices == whole.choices, "\(id), turn \(round)")
                let cached = try #require(answer["usage", "prompt_tokens_details", "cached_tokens"].asInt)
                #expect(round == 0 ? cached == 0 : cached > 20 * round)
                #expect(answer["usage", "kv_cache", "session_id"].asString == id)
            }
            prompt += whole.text + " And then \(round)."
        }
        for id in ["full", "roomy"] { _ = try call("DELETE", "/v1/sessions/\(id)") }
    }

    @Test func aChatIsASession() throws {
        let made = try call("POST", "/v1/sessions", #"{"kv_cache": {"budget_tokens": 40}}"#)
        let id = try #require(made["id"].asString)
        #expect(id.hasPrefix("sess_"))
        var messages = [#"{"role": "user", "content": "The code of Ann is 48213."}"#]
        for round in 0..<3 {
            let answer = try call(
                "POST", "/v1/chat/completions",
                #"{"messages": [\#(messages.joined(separator: ","))], "max_completion_tokens": 12}"#,
                headers: "X-Session-ID: \(id)\r\n")
            #expect(answer.status == 200, "\(answer.response.text)")
            #expect((answer["usage", "prompt_tokens_details", "cached_tokens"].asInt ?? 0 > 0) == (round > 0))
            let reply = String(decoding: answer["choices", 0, "message"].serialized(), as: UTF8.self)
            messages += [reply, #"{"role": "user", "content": "What is the code of Ann?"}"#]
        }
        let report = try call("GET", "/v1/sessions/\(id)?detail=layers")
        #expect(report["object"].asString == "kv_session" && report["status"].asString == "idle")
        #expect(report["layers", 0, "tokens_retained"].asInt == 40)
        #expect(report["kv_cache", "policy"].asString == "keyformer")
        #expect((report["tokens_seen"].asInt ?? 0) > 40)
        #expect(try call("DELETE", "/v1/sessions/\(id)")["deleted"].asBool == true)
        #expect(code(try call("GET", "/v1/sessions/\(id)")) == "session_not_found")
    }

    @Test func divergedHistoryIsRefusedAndRebaseReadsAnew() throws {
        try make("diverging")
        let first = try turn("diverging", Self.story)
        let other = try turn("diverging", "Something else." + Self.story)
        #expect(
            other.status == 400 && code(other) == "session_diverged" && other["error", "param"].asString == "prompt")
        #expect(other.response.header("x-should-retry") == "false")
        let rebased = try turn("diverging", "Something else." + Self.story, more: #", "session_mode": "rebase""#)
        #expect(rebased.status == 200 && rebased["usage", "prompt_tokens_details", "cached_tokens"].asInt == 0)
        #expect(first.status == 200)
        _ = try call("DELETE", "/v1/sessions/diverging")
    }

    @Test(arguments: [
        (#""session_id": "a b""#, "session_id"), (#""session_mode": "rebase""#, "session_mode"),
        (#""session_id": "x", "session_mode": "other""#, "session_mode"), (#""session_id": "x", "n": 2"#, "n"),
        (#""session_id": "x", "kv_cache": {"policy": "full"}"#, "kv_cache"), (#""session_id": 7"#, "session_id"),
        (#""session_id": "x", "echo": true, "logprobs": 1"#, "echo"),
    ])
    func wrongTurnsNameTheirField(fields: String, param: String) throws {
        let answer = try call("POST", "/v1/completions", #"{"prompt": "Hello", \#(fields)}"#)
        #expect(answer.status == 400 && answer["error", "param"].asString == param, "\(answer.response.text)")
    }

    @Test(arguments: [#""on_pool_full": "reject""#, #""on_pool_full": "queue""#, #""min_budget_tokens": 64"#])
    func whatATurnDoesWithoutRoomIsNotTheSessions(_ field: String) throws {
        let answer = try call("POST", "/v1/sessions", #"{"id": "choosy", "kv_cache": {\#(field)}}"#)
        #expect(answer.status == 400)
        let name = try #require(field.split(separator: "\"").first)
        #expect(answer["error", "param"].asString == "kv_cache.\(name)")
        #expect(try call("GET", "/v1/sessions/choosy").status == 404)
    }

    @Test func headerAndFieldMustAgree() throws {
        let answer = try call(
            "POST", "/v1/completions", #"{"prompt": "Hello", "session_id": "a"}"#, headers: "X-Session-ID: b\r\n")
        #expect(answer.status == 400 && answer["error", "param"].asString == "session_id")
        let unknown = try call("POST", "/v1/completions", #"{"prompt": "Hello"}"#, headers: "X-Session-ID: none\r\n")
        #expect(unknown.status == 404 && code(unknown) == "session_not_found")
    }

    @Test func aSessionEndsWhenItSays() throws {
        let first = Int(Date().timeIntervalSince1970)
        let answer = try call("POST", "/v1/sessions", #"{"id": "short", "ttl": "1h", "max_ttl": 1}"#)
        let last = Int(Date().timeIntervalSince1970)
        let (created, end) = (try #require(answer["created"].asInt), try #require(answer["expires_at"].asInt))
        #expect(answer.status == 201 && created >= first && end > created && end <= last + 2)
        Thread.sleep(forTimeInterval: 1.2)
        #expect(code(try call("GET", "/v1/sessions/short")) == "session_expired")
        let other = try call("POST", "/v1/sessions", #"{"model": "another"}"#)
        #expect(other.status == 404 && code(other) == "model_not_found")
    }

    @Test(arguments: [
        (#"{"id": "a/b"}"#, "id"), (#"{"ttl": 0}"#, "ttl"), (#"{"ttl": "3h"}"#, "ttl"), (#"{"ttl": "x"}"#, "ttl"),
        (#"{"kv_cache": {"policy": "none"}}"#, "kv_cache.policy"), (#"{"metadata": {"a": 1}}"#, "metadata.a"),
        (#"{"colour": 1}"#, "colour"), (#"{"max_ttl": 0}"#, "max_ttl"), (#"{"model": 1}"#, "model"),
        (#"{"kv_cache": {"policy": "full", "budget_tokens": 4}, "id": 3}"#, "id"),
    ])
    func wrongSessionsNameTheirField(body: String, param: String) throws {
        let answer = try call("POST", "/v1/sessions", body)
        #expect(answer.status == 400 && answer["error", "param"].asString == param, "\(answer.response.text)")
    }

    @Test func budgetsShrinkAndForksGoTheirOwnWay() throws {
        try make("original", #"{"policy": "keyformer", "budget_tokens": 30}"#)
        let first = try turn("original", Self.story)
        let fork = try call("POST", "/v1/sessions/original/fork", #"{"id": "copy", "ttl": "1h"}"#)
        #expect(fork.status == 201 && fork["kv_cache", "tokens_retained"].asInt == 30)
        let smaller = try call(
            "PATCH", "/v1/sessions/copy", #"{"kv_cache": {"budget_tokens": 12}, "metadata": {"a": "b"}}"#)
        #expect(smaller["kv_cache", "tokens_retained"].asInt == 12 && smaller["metadata", "a"].asString == "b")
        let wrong = try call("PATCH", "/v1/sessions/copy", #"{"kv_cache": {"policy": "window"}}"#)
        #expect(wrong.status == 400 && wrong["error", "param"].asString == "kv_cache")
        for id in ["original", "copy"] { #expect(try turn(id, Self.story + first.text + " More.").status == 200) }
        let list = try call("GET", "/v1/sessions")["data"].asArray ?? []
        #expect(
            list.compactMap { $0.asObject?["id"]?.asString }.filter { ["original", "copy"].contains($0) }.count == 2)
        #expect(code(try call("POST", "/v1/sessions/original/fork", #"{"id": "copy"}"#)) == "session_exists")
        for id in ["original", "copy"] { _ = try call("DELETE", "/v1/sessions/\(id)") }
    }

    // MARK: Files

    @Test func anotherServerGoesOnWithTheSameBits() throws {
        let replica = try ServerUnderTest(["--threads", "1", "--session-save-path", SessionTestFolder.path])
        for (index, cache) in [
            #"{"policy": "keyformer", "budget_tokens": 20}"#, #"{"policy": "full"}"#,
            #"{"policy": "streaming", "budget_tokens": 16}"#,
            #"{"policy": "h2o", "budget_ratio": 0.5, "storage": "q8"}"#,
        ].enumerated() {
            let id = "traveller-\(index)"
            try make(id, cache)
            let first = try turn(id, Self.story)
            let saved = try call("POST", "/v1/sessions/\(id)/save", #"{"filename": "\#(id).bin"}"#)
            #expect(saved.status == 200 && saved["tokens_seen"].asInt ?? 0 > 20, "\(saved.response.text)")
            let prompt = Self.story + first.text + " What is the code of Ben?"
            let here = try turn(id, prompt)
            let restored = try ServerTrait.$current.withValue(replica) {
                try call("POST", "/v1/sessions/moved-\(index)/restore", #"{"filename": "\#(id).bin"}"#)
            }
            #expect(restored.status == 201, "\(restored.response.text)")
            #expect(restored["tokens_seen"].asInt == saved["tokens_seen"].asInt)
            let there = try ServerTrait.$current.withValue(replica) { try turn("moved-\(index)", prompt) }
            #expect(there.choices == here.choices && here.status == 200, "\(cache)")
            _ = try call("DELETE", "/v1/sessions/\(id)")
        }
        replica.send(SIGTERM)
        #expect(replica.exitStatus(within: .seconds(20)) == 0)
    }

    @Test func filesThatAreNoSessionsAreRefused() throws {
        try make("saver")
        _ = try turn("saver", Self.story)
        #expect(try call("POST", "/v1/sessions/saver/save", #"{"filename": "good"}"#).status == 200)
        let good = try Data(contentsOf: URL(filePath: SessionTestFolder.path + "/good"))
        var bad = good
        bad[bad.count / 2] ^= 1
        try bad.write(to: URL(filePath: SessionTestFolder.path + "/bad"))
        try good.prefix(good.count - 1).write(to: URL(filePath: SessionTestFolder.path + "/short"))
        for (name, expected) in [
            ("bad", "session_file_invalid"), ("short", "session_file_invalid"), ("no", "session_file_not_found"),
        ] {
            let answer = try call("POST", "/v1/sessions/x/restore", #"{"filename": "\#(name)"}"#)
            #expect(code(answer) == expected && answer["error", "param"].asString == "filename")
        }
        for name in ["../x", "/etc/passwd", ".x", "a/b", ""] {
            for call in [("saver", "save"), ("x", "restore")] {
                let answer = try self.call("POST", "/v1/sessions/\(call.0)/\(call.1)", #"{"filename": "\#(name)"}"#)
                #expect(answer.status == 400 && answer["error", "param"].asString == "filename", "\(name)")
            }
        }
        #expect(code(try call("POST", "/v1/sessions/saver/restore", #"{"filename": "good"}"#)) == "session_exists")
        #expect(try call("GET", "/v1/sessions/x").status == 404)
        _ = try call("DELETE", "/v1/sessions/saver")
    }

    /// A disk that takes no more, as far as a process can tell: a limit on the size of files.
    @Test func aFullDiskIsAnErrorAndNothingElse() throws {
        let binary = try ServerUnderTest.binary().path()
        let limited = try ServerUnderTest(
            ["--threads", "1", "--session-save-path", SessionTestFolder.path],
            program: "/bin/bash", prefix: ["-c", #"ulimit -f 16; trap '' XFSZ; exec "$0" "$@""#, binary])
        try ServerTrait.$current.withValue(limited) {
            try make("large")
            let first = try turn("large", Self.story + Self.story)
            let answer = try call("POST", "/v1/sessions/large/save", #"{"filename": "large"}"#)
            #expect(answer.status == 507 && code(answer) == "session_file_failed", "\(answer.response.text)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: SessionTestFolder.path).allSatisfy {
                    !$0.contains("large")
                })
            #expect(try turn("large", Self.story + Self.story + first.text + " More.").status == 200)
        }
        limited.send(SIGTERM)
        #expect(limited.exitStatus(within: .seconds(20)) == 0)
    }

    @Test func withoutAFolderNothingIsSaved() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        try ServerTrait.$current.withValue(server) {
            try make("s")
            for call in [("s", "save"), ("t", "restore")] {
                let answer = try self.call("POST", "/v1/sessions/\(call.0)/\(call.1)", #"{"filename": "a"}"#)
                #expect(answer.status == 400 && code(answer) == "session_files_disabled")
            }
        }
        server.send(SIGTERM)
        #expect(server.exitStatus(within: .seconds(20)) == 0)
    }

    // MARK: In use

    @Test func aSessionInUseIsBusy() throws {
        try make("slow")
        let client = try server().client()
        let body =
            #"{"prompt": "Once upon a time", "max_tokens": 900, "ignore_eos": true, "stream": true, "#
            + #""session_id": "slow"}"#
        try client.send(ServerUnderTest.request("/v1/completions", Array(body.utf8)))
        for _ in 0..<200 where try call("GET", "/v1/sessions/slow")["status"].asString != "busy" {
            sleepMilliseconds(5)
        }
        let second = try turn("slow", "Once upon a time")
        #expect(second.status == 409 && code(second) == "session_busy", "\(second.response.text)")
        #expect(Int(second.response.header("retry-after") ?? "") ?? 0 >= 1)
        #expect(try call("DELETE", "/v1/sessions/slow").status == 200)
        #expect(try call("GET", "/v1/sessions/slow").status == 404)
    }

    @Test func metricsCountSessions() throws {
        try make("counted")
        _ = try turn("counted", Self.story)
        #expect(try server().metric(#"keyhold_sessions{state="idle"}"#) ?? 0 >= 1)
        #expect(try server().metric(#"keyhold_kv_pool_bytes{state="session_idle"}"#) ?? 0 > 0)
        let before = try server().metric(#"keyhold_sessions_evicted_total{reason="delete"}"#) ?? 0
        _ = try call("DELETE", "/v1/sessions/counted")
        #expect(try server().metric(#"keyhold_sessions_evicted_total{reason="delete"}"#) ?? 0 >= before + 1)
    }
}
