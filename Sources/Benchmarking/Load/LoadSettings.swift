public import JSON

/// What a load generator sends.
public struct LoadSettings: Sendable {
    public var target: HTTPTarget
    public var arrivals: ArrivalSchedule
    /// Requests in all.
    public var requests: Int
    public var promptTokens: Int
    public var newTokens: Int
    /// Prompts are made of token ids below this.
    public var vocabularySize = 256
    /// The request's `kv_cache` object, where one is to be sent.
    public var kvCache: JSONValue?
    /// More fields of the body, for other servers.
    public var extraFields: [(name: String, value: JSONValue)] = []
    /// Seed of the prompts.
    public var seed: UInt64 = 1
    /// Seconds until an answer counts as failed.
    public var timeout = 600.0
    /// Goodput counts answers whose first token came within `ttftSeconds` and whose tokens came every `tpotSeconds` on
    /// average.
    public var objective = Objective()

    /// What a good answer is.
    public struct Objective: Sendable, Equatable {
        public var ttftSeconds = 2.0
        public var tpotSeconds = 0.2

        public init() {}
    }

    public init(
        target: HTTPTarget, arrivals: ArrivalSchedule, requests: Int, promptTokens: Int, newTokens: Int
    ) {
        self.target = target
        self.arrivals = arrivals
        self.requests = requests
        self.promptTokens = promptTokens
        self.newTokens = newTokens
    }

    /// Takes the text of a JSON object as the requests' `kv_cache`.
    public mutating func setKVCache(parsing text: String) throws(BenchmarkError) {
        guard let value = try? JSONValue(parsing: Array(text.utf8), limits: .request), value.asObject != nil else {
            throw .badObject(option: "--kv-cache", text: text)
        }
        kvCache = value
    }

    /// The bytes of request `index`. No two prompts share a beginning, so no cache of prefixes helps.
    func request(_ index: Int) -> [UInt8] {
        var random = WeightRandom(seed: seed, stream: index)
        let size = UInt64(max(2, vocabularySize))
        var body = JSONObject()
        body["prompt"] = .array((0..<promptTokens).map { _ in .integer(Int(random.next() % size)) })
        body["max_tokens"] = .integer(newTokens)
        body["temperature"] = 0
        body["ignore_eos"] = true
        body["stream"] = true
        body["stream_options"] = ["include_usage": true]
        if let kvCache { body["kv_cache"] = kvCache }
        for field in extraFields { body[field.name] = field.value }
        return target.post("/v1/completions", json: JSONValue.object(body).serialized())
    }
}
