public import Generation
internal import JSON

/// A member of a session's `metadata`.
public struct SessionMetadata: Sendable, Equatable {
    public let key: String
    public let value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    /// As many members as the OpenAI contract allows, and as long.
    private static let mostMembers = 16
    private static let mostKeyBytes = 64
    private static let mostValueBytes = 512

    static func decode(_ reader: inout FieldReader) throws(APIError) -> [SessionMetadata]? {
        guard let fields = try reader.members("metadata") else { return nil }
        guard fields.object.count <= mostMembers else {
            throw .invalidRequest(
                "metadata has \(fields.object.count) members, at most \(mostMembers) are allowed.", param: "metadata",
                code: "invalid_value")
        }
        var metadata: [SessionMetadata] = []
        for (key, value) in fields.object {
            let path = "metadata.\(key.prefix(64))"
            guard let text = value.asString else { throw .invalidType(path, expected: "a string", given: value) }
            guard key.utf8.count <= mostKeyBytes, text.utf8.count <= mostValueBytes else {
                throw .invalidRequest(
                    "\(path) is too long: keys have at most \(mostKeyBytes) bytes, values \(mostValueBytes).",
                    param: path, code: "invalid_value")
            }
            metadata.append(SessionMetadata(key: key, value: text))
        }
        return metadata
    }
}

/// A validated body of one of the calls about sessions. Unknown fields are errors in all of them.
public struct SessionBody: Sendable, Equatable {
    /// The model that the client expects.
    public private(set) var model: String?
    /// `id`: the client's choice of a name.
    public private(set) var id: String?
    public private(set) var cache = KVCacheRequest()
    /// `ttl` in seconds.
    public private(set) var timeToLiveSeconds: Int?
    /// `max_ttl` in seconds: the age at which the session ends, used or not.
    public private(set) var lifetimeSeconds: Int?
    public private(set) var metadata: [SessionMetadata]?
    /// `filename`.
    public private(set) var fileName: String?

    /// Longest time to live that can be said: ten years.
    private static let mostSeconds = 315_360_000

    private init() {}

    /// `POST /v1/sessions`.
    public static func creation(_ body: [UInt8]) throws(APIError) -> SessionBody {
        var result = SessionBody()
        var reader = try Self.reader(body)
        result.model = try reader.string("model")
        result.id = try reader.string("id")
        result.cache = try sessionCache(&reader)
        result.timeToLiveSeconds = try timeToLive(&reader)
        result.lifetimeSeconds = try timeToLive(&reader, "max_ttl")
        result.metadata = try SessionMetadata.decode(&reader)
        try checkNoOthers(reader, known: "model, id, kv_cache, ttl, max_ttl, metadata")
        return result
    }

    /// `PATCH /v1/sessions/{id}`.
    public static func change(_ body: [UInt8]) throws(APIError) -> SessionBody {
        var result = SessionBody()
        var reader = try Self.reader(body)
        result.cache = try budgetAlone(&reader)
        result.timeToLiveSeconds = try timeToLive(&reader)
        result.metadata = try SessionMetadata.decode(&reader)
        try checkNoOthers(reader, known: "ttl, kv_cache, metadata")
        return result
    }

    /// `POST /v1/sessions/{id}/fork`.
    public static func fork(_ body: [UInt8]) throws(APIError) -> SessionBody {
        var result = SessionBody()
        var reader = try Self.reader(body)
        result.id = try reader.string("id")
        result.cache = try budgetAlone(&reader)
        result.timeToLiveSeconds = try timeToLive(&reader)
        try checkNoOthers(reader, known: "id, ttl, kv_cache")
        return result
    }

    /// `POST /v1/sessions/{id}/save`.
    public static func save(_ body: [UInt8]) throws(APIError) -> SessionBody {
        var result = SessionBody()
        var reader = try Self.reader(body)
        result.fileName = try fileName(&reader)
        try checkNoOthers(reader, known: "filename")
        return result
    }

    /// `POST /v1/sessions/{id}/restore`.
    public static func restore(_ body: [UInt8]) throws(APIError) -> SessionBody {
        var result = SessionBody()
        var reader = try Self.reader(body)
        result.fileName = try fileName(&reader)
        result.timeToLiveSeconds = try timeToLive(&reader)
        try checkNoOthers(reader, known: "filename, ttl")
        return result
    }

    /// No body is an empty object.
    private static func reader(_ body: [UInt8]) throws(APIError) -> FieldReader {
        try FieldReader(body: body.isEmpty ? Array("{}".utf8) : body, limits: .request)
    }

    private static func fileName(_ reader: inout FieldReader) throws(APIError) -> String {
        guard let name = try reader.string("filename") else {
            throw .missing("filename", "the name of a file in the server's folder for sessions")
        }
        return name
    }

    /// Seconds, or a number with its unit, such as `30m`.
    private static func timeToLive(_ reader: inout FieldReader, _ key: String = "ttl") throws(APIError) -> Int? {
        guard let value = reader.value(key) else { return nil }
        let rule = #"a number of seconds from 1 to \#(mostSeconds), or such as "90s", "30m", "2h", "1d""#
        var seconds = value.asInt
        if let text = value.asString, let unit = text.last, let number = Int(text.dropLast()), number < mostSeconds {
            let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
            seconds = units[unit].map { number * $0 }
        }
        guard let seconds, (1...mostSeconds).contains(seconds) else {
            throw value.asInt == nil && value.asString == nil
                ? .invalidType(key, expected: rule, given: value) : .invalidValue(key, rule, given: value)
        }
        return seconds
    }

    /// The `kv_cache` of a new session. What happens to a turn for which there is no room is the server's word.
    private static func sessionCache(_ reader: inout FieldReader) throws(APIError) -> KVCacheRequest {
        let cache = try KVCacheRequest(decoding: &reader)
        let given = [
            ("on_pool_full", cache.onPoolFull != nil), ("min_budget_tokens", cache.minBudgetTokens != nil),
        ]
        if let field = given.first(where: \.1)?.0 {
            throw .invalidRequest(
                "kv_cache.\(field) is not allowed in a session: what its turns do when the pool is full is the "
                    + "server's setting on_pool_full. It is a field of requests without a session.",
                param: "kv_cache.\(field)", code: "invalid_value")
        }
        return cache
    }

    /// A `kv_cache` of which a session that exists can only change the budget.
    private static func budgetAlone(_ reader: inout FieldReader) throws(APIError) -> KVCacheRequest {
        let cache = try KVCacheRequest(decoding: &reader)
        var rest = cache
        rest.budget = nil
        guard rest == KVCacheRequest() else {
            throw .invalidRequest(
                "Of kv_cache only budget_ratio, budget_tokens or budget_bytes can be changed: what a session holds was "
                    + "made for its policy and storage.", param: "kv_cache", code: "invalid_value")
        }
        return cache
    }

    private static func checkNoOthers(_ reader: FieldReader, known: String) throws(APIError) {
        guard let unknown = reader.unknownFields.first else { return }
        throw .invalidRequest(
            "\(FieldReader.excerpt(.string(unknown))) is not a known field. Known: \(known).",
            param: String(unknown.prefix(80)), code: "unknown_parameter")
    }
}
