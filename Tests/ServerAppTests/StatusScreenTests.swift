import JSON
import Testing

@testable import ServerApp

/// The text of `keyhold top`.
@Suite struct StatusScreenTests {
    private func status(generated: Int, requests: Int = 1) -> JSONObject {
        let request: JSONValue = [
            "id": "req-1", "key": "team-a", "phase": "decode", "age_seconds": 65.2, "prompt_tokens": 100,
            "generated_tokens": 7, "kv_policy": "keyformer", "kv_budget_tokens": 50, "kv_bytes": 1_572_864,
        ]
        let value: JSONValue = [
            "version": "1", "model": "m\u{1B}[2J", "phase": "serving", "uptime_seconds": 3700.0, "connections": 3,
            "sequences": ["running": 1, "waiting": 2],
            "kv_pool_bytes": ["total": 1_073_741_824, "reserved": 536_870_912, "used": 1024],
            "tokens": ["prompt": 10, "generated": .integer(generated), "evicted": 0],
            "requests": .array(Array(repeating: request, count: requests)),
        ]
        return value.asObject ?? JSONObject()
    }

    @Test func showsPoolRatesAndRequests() {
        let screen = StatusScreen(status(generated: 250), previous: (status(generated: 50), 2))
        let text = screen.text(columns: 120, rows: 24)
        for words in [
            "serving", "up 1h01m", "running 1  waiting 2", "50 % of 1.0 GiB reserved", "generated 100.0", "req-1",
            "team-a", "1m05s", "1.5 MiB",
        ] {
            #expect(text.contains(words), "\(words) in \(text)")
        }
        #expect(!text.contains("\u{1B}"))
    }

    @Test func fitsTheTerminal() {
        let text = StatusScreen(status(generated: 1, requests: 50)).text(columns: 40, rows: 12)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count <= 12)
        #expect(lines.allSatisfy { $0.count <= 40 })
        #expect(text.contains("more"))
    }

    @Test func anEmptyStatusIsNoCrash() {
        #expect(StatusScreen(JSONObject()).text(columns: 1, rows: 1).isEmpty == false)
    }
}
