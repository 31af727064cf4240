import JSON
import TestSupport
import Testing

/// Sessions belong to the API key that made them: to any other key they do not exist.
@Suite struct SessionIsolationTests {
    /// What a call by `name` hears, with the session's name and what differs between any two requests taken out.
    private func answer(
        _ keyed: KeyedServer, _ name: String, _ call: (method: String, path: String, body: String), session: String
    ) throws -> String {
        let answer = try keyed.exchange(
            call.method, call.path.replacing("SESSION", with: session), headers: KeyedServer.authorization(name),
            body: call.body.replacing("SESSION", with: session)
        ).response
        let fields = answer.fieldLines.filter { line in
            !["x-request-id:", "date:"].contains { line.lowercased().hasPrefix($0) }
        }
        let text = fields.joined(separator: "\n") + "\n" + answer.text
        return "\(answer.status)\n" + text.replacing(session, with: "SESSION")
    }

    @Test func anotherKeysSessionIsAnUnknownOne() throws {
        let folder = try TemporaryFolder()
        let keyed = try KeyedServer([("a", ""), ("b", "")], ["--session-save-path", folder.path])
        let made = try keyed.exchange(
            "POST", "/v1/sessions", headers: KeyedServer.authorization("a"), body: #"{"id": "mine-0001"}"#)
        #expect(made.status == 201)
        let turn: JSONValue = ["prompt": "Once upon", "max_tokens": 4, "session_id": "mine-0001"]
        #expect(try keyed.complete(turn, key: "a").status == 200)
        let before = try keyed.get("/v1/sessions/mine-0001", key: "a")
        let calls: [(method: String, path: String, body: String)] = [
            ("GET", "/v1/sessions/SESSION", ""), ("GET", "/v1/sessions/SESSION?detail=layers", ""),
            ("PATCH", "/v1/sessions/SESSION", #"{"ttl": "1m"}"#),
            ("PATCH", "/v1/sessions/SESSION", #"{"kv_cache": {"budget_tokens": 4}}"#),
            ("POST", "/v1/sessions/SESSION/fork", #"{"id": "copy"}"#),
            ("POST", "/v1/sessions/SESSION/save", #"{"filename": "theft"}"#),
            ("POST", "/v1/completions", #"{"prompt": "Once", "max_tokens": 2, "session_id": "SESSION"}"#),
            (
                "POST", "/v1/completions",
                #"{"prompt": "Once", "max_tokens": 2, "session_id": "SESSION", "session_mode": "rebase"}"#
            ),
            (
                "POST", "/v1/chat/completions",
                #"{"messages": [{"role": "user", "content": "Once"}], "max_tokens": 2, "session_id": "SESSION"}"#
            ),
            ("DELETE", "/v1/sessions/SESSION", ""),
        ]
        for call in calls {
            let theirs = try answer(keyed, "b", call, session: "mine-0001")
            let nobodys = try answer(keyed, "b", call, session: "none-0001")
            #expect(theirs == nobodys, "\(call.method) \(call.path)")
            #expect(theirs.hasPrefix("404\n"), "\(call.method) \(call.path): \(theirs)")
        }
        #expect(try keyed.get("/v1/sessions", key: "b")["data"].asArray?.isEmpty == true)
        // Nothing of it has touched the session, and its name is free for the other key.
        let after = try keyed.get("/v1/sessions/mine-0001", key: "a")
        #expect(after["tokens_seen"] == before["tokens_seen"] && after["kv_cache"] == before["kv_cache"])
        let same = try keyed.exchange(
            "POST", "/v1/sessions", headers: KeyedServer.authorization("b"), body: #"{"id": "mine-0001"}"#)
        #expect(same.status == 201)
        #expect(try keyed.get("/v1/sessions/mine-0001", key: "b")["tokens_seen"].asInt == 0)
        #expect(try keyed.complete(turn.with("prompt", " there was"), key: "b").status == 200)
        #expect(try keyed.get("/v1/sessions/mine-0001", key: "a")["tokens_seen"] == before["tokens_seen"])
    }
}
