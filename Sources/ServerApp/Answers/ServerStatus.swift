internal import CompletionAPI
internal import JSON
internal import Serving

/// The body of `/status`: what `keyhold top` shows. No prompts, no answers, no keys but their names.
struct ServerStatus: Sendable {
    let model: String?
    /// `loading`, `serving` or `draining`.
    let phase: String
    let uptimeSeconds: Double
    let totals: ServiceMetrics.Totals
    let connections: Int
    let live: [RequestReport.Snapshot]

    func body() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", ProductVersion.number)
        writer.key("model")
        if let model { writer.string(model) } else { writer.null() }
        writer.member("phase", phase)
        writer.key("uptime_seconds")
        writer.real(uptimeSeconds)
        writer.member("connections", connections)
        writeTotals(&writer)
        writer.key("requests")
        writer.beginArray()
        for request in live { Self.write(request, &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private func writeTotals(_ writer: inout JSONWriter) {
        writer.key("sequences")
        writer.beginObject()
        writer.member("running", totals.running)
        writer.member("waiting", totals.waiting)
        writer.endObject()
        writer.key("kv_pool_bytes")
        writer.beginObject()
        writer.member("total", totals.poolBytes)
        writer.member("reserved", totals.reservedBytes)
        writer.member("used", totals.usedBytes)
        writer.endObject()
        writer.key("prefix_cache_bytes")
        writer.beginObject()
        writer.member("used", totals.prefixUsedBytes)
        writer.member("idle", totals.prefixIdleBytes)
        writer.endObject()
        writer.key("tokens")
        writer.beginObject()
        writer.member("prompt", totals.promptTokens)
        writer.member("cached", totals.cachedTokens)
        writer.member("generated", totals.generatedTokens)
        writer.member("evicted", totals.evictedTokens)
        writer.endObject()
    }

    private static func write(_ request: RequestReport.Snapshot, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", request.requestID)
        writer.member("key", request.key)
        writer.member("phase", request.isDecoding ? "decode" : "prompt")
        writer.key("age_seconds")
        writer.real(request.ageSeconds)
        writer.member("prompt_tokens", request.promptTokens)
        writer.member("generated_tokens", request.generatedTokens)
        writer.member("kv_policy", request.policy)
        writer.member("kv_budget_tokens", request.budgetTokens)
        writer.member("kv_bytes", request.bytes)
        writer.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ key: String, _ value: Int) {
        self.key(key)
        integer(value)
    }

    fileprivate mutating func member(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }
}
