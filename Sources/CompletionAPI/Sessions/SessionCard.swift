public import Generation
internal import JSON

/// A session as `/v1/sessions` shows it.
public struct SessionCard: Sendable {
    public var id: String
    /// `idle` or `busy`.
    public var status: String
    /// Seconds since 1970.
    public var created: Int
    public var expiresAt: Int
    /// Tokens that the session's cache was fed.
    public var tokens: Int
    /// Tokens that it still holds, per layer and KV head.
    public var retainedTokens: Int
    /// Bytes of the pool that it keeps between its requests.
    public var bytes: Int
    /// With nothing left to defaults.
    public var cache: KVCacheRequest
    public var metadata: [SessionMetadata]
    /// Entries that a lane holds, by layer; shown where asked for.
    public var layers: [Int]?

    public init(
        id: String, status: String, created: Int, expiresAt: Int, tokens: Int, retainedTokens: Int, bytes: Int,
        cache: KVCacheRequest, metadata: [SessionMetadata], layers: [Int]?
    ) {
        (self.id, self.status, self.created, self.expiresAt) = (id, status, created, expiresAt)
        (self.tokens, self.retainedTokens, self.bytes) = (tokens, retainedTokens, bytes)
        (self.cache, self.metadata, self.layers) = (cache, metadata, layers)
    }

    /// Body of the calls that answer with one session.
    public func body() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Body of `GET /v1/sessions`.
    public static func list(_ cards: [SessionCard]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        for card in cards { card.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Body of `DELETE /v1/sessions/{id}`.
    public static func deleted(_ id: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "kv_session.deleted")
        writer.key("deleted")
        writer.bool(true)
        writer.endObject()
        return writer.bytes
    }

    /// Body of `POST /v1/sessions/{id}/save`.
    public static func saved(_ id: String, fileName: String, tokens: Int, bytes: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "kv_session.saved")
        writer.member("filename", fileName)
        writer.member("tokens_seen", tokens)
        writer.member("bytes", bytes)
        writer.endObject()
        return writer.bytes
    }

    private func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "kv_session")
        writer.member("status", status)
        writer.member("created", created)
        writer.member("expires_at", expiresAt)
        writer.member("tokens_seen", tokens)
        writer.key("kv_cache")
        writeCache(to: &writer)
        writer.key("metadata")
        writer.beginObject()
        for entry in metadata { writer.member(entry.key, entry.value) }
        writer.endObject()
        if let layers {
            writer.key("layers")
            writer.beginArray()
            for (index, retained) in layers.enumerated() {
                writer.beginObject()
                writer.member("layer", index)
                writer.member("tokens_retained", retained)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    private func writeCache(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("policy", cache.policy ?? "")
        switch cache.budget {
        case nil: break
        case .ratio(let millionths):
            writer.key("budget_ratio")
            writer.real(Double(millionths) / 1_000_000)
        case .tokens(let tokens): writer.member("budget_tokens", tokens)
        case .bytes(let bytes): writer.member("budget_bytes", bytes)
        }
        if let recent = cache.recentRatioMillionths {
            writer.key("recent_ratio")
            writer.real(Double(recent) / 1_000_000)
        }
        if let sinks = cache.sinkTokens { writer.member("sink_tokens", sinks) }
        writer.member("storage", cache.storage ?? "")
        if !cache.policyParameters.isEmpty {
            writer.key("policy_params")
            writer.beginObject()
            for (name, value) in cache.policyParameters.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                switch value {
                case .number(let number): writer.real(number)
                case .integer(let integer): writer.integer(integer)
                case .text(let text): writer.string(text)
                case .flag(let flag): writer.bool(flag)
                }
            }
            writer.endObject()
        }
        writer.member("tokens_retained", retainedTokens)
        writer.member("bytes", bytes)
        writer.endObject()
    }
}
