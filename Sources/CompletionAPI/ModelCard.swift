internal import JSON

/// A served model as `GET /v1/models` shows it.
public struct ModelCard: Sendable, Equatable {
    /// The name that requests use.
    public let id: String
    /// Seconds since 1970.
    public let created: Int
    /// Who serves the model.
    public let ownedBy: String
    /// Most tokens of prompt and answer together.
    public let maxModelLength: Int
    /// Bytes that one token's keys and values take in an unpruned cache, all layers.
    public let kvBytesPerToken: Int

    /// All members of the card.
    public init(id: String, created: Int, ownedBy: String, maxModelLength: Int, kvBytesPerToken: Int) {
        self.id = id
        self.created = created
        self.ownedBy = ownedBy
        self.maxModelLength = maxModelLength
        self.kvBytesPerToken = kvBytesPerToken
    }

    /// Body of `GET /v1/models/{id}`.
    public func body() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Body of `GET /v1/models`.
    public static func list(_ models: [ModelCard]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        for model in models { model.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "model")
        writer.member("created", created)
        writer.member("owned_by", ownedBy)
        writer.member("max_model_len", maxModelLength)
        writer.member("kv_bytes_per_token", kvBytesPerToken)
        writer.endObject()
    }
}
