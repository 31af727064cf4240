public import JSON

/// What a load generator sends.
public struct LoadSettings: Sendable {
    public var target: HTTPTarget
    public private(set) var arrivals: ArrivalSchedule
    /// Requests in all.
    public private(set) var requests: Int
    public let promptTokens: Int
    public let newTokens: Int
    /// Prompts are made of token ids below this.
    public var vocabularySize = 256
    /// The `kv_cache` objects that requests carry.
    public var budgets = BudgetMix(nil)
    /// More fields of the body, for other servers.
    public var extraFields: [(name: String, value: JSONValue)] = []
    /// Sent as a bearer token.
    public var apiKey: String?
    /// Seed of the prompts and of the mix.
    public var seed: UInt64 = 1
    /// Seconds until an answer counts as failed.
    public var timeout = 600.0
    /// No request is sent later than this many seconds after the first.
    public private(set) var duration = Double.infinity
    /// Where the server's metrics are read every second; nil reads none.
    public var metrics: HTTPTarget?
    /// What goodput counts.
    public var objective = Objective()
    /// The trace that is replayed.
    private var trace: RequestTrace?

    /// What a good answer is: its first token came within `ttftSeconds`, further ones every `tpotSeconds` on average,
    /// and its end within `wholeSeconds`.
    public struct Objective: Sendable, Equatable {
        public var ttftSeconds = 2.0
        public var tpotSeconds = 0.2
        public var wholeSeconds = Double.infinity

        public init() {}
    }

    /// Requests of one size.
    public init(
        target: HTTPTarget, arrivals: ArrivalSchedule, requests: Int, promptTokens: Int, newTokens: Int
    ) {
        self.target = target
        self.arrivals = arrivals
        self.requests = requests
        self.promptTokens = promptTokens
        self.newTokens = newTokens
    }

    /// A trace's requests at its times.
    public init(target: HTTPTarget, replaying trace: RequestTrace) {
        self.init(
            target: target, arrivals: .planned(trace.entries.map(\.time)), requests: trace.entries.count,
            promptTokens: trace.entries.first?.promptTokens ?? 1, newTokens: trace.entries.first?.newTokens ?? 1)
        self.trace = trace
    }

    /// Sends requests for so many seconds instead of a given number.
    public mutating func limit(toSeconds seconds: Double) {
        duration = seconds
        requests = arrivals.count(within: seconds) ?? .max
    }

    /// A trace is replayed, so that requests differ in size.
    var isReplay: Bool { trace != nil }

    /// Size of request `index`.
    func size(_ index: Int) -> (promptTokens: Int, newTokens: Int) {
        guard let trace else { return (promptTokens, newTokens) }
        return (trace.entries[index].promptTokens, trace.entries[index].newTokens)
    }

    /// What every request's head has besides the usual.
    var headers: [(name: String, value: String)] { apiKey.map { [("Authorization", "Bearer \($0)")] } ?? [] }

    /// Token ids of request `index`'s prompt. No two prompts share a beginning, so no cache of prefixes helps, but
    /// where a trace says that they do.
    func prompt(_ index: Int) -> [Int] {
        let count = size(index).promptTokens
        let vocabulary = UInt64(max(2, vocabularySize))
        var tokens: [Int] = []
        tokens.reserveCapacity(count)
        if let trace {
            for block in trace.entries[index].blocks where tokens.count < count {
                var random = WeightRandom(seed: seed ^ 0x626C_6F63_6B73, stream: block)
                for _ in 0..<min(trace.blockTokens, count - tokens.count) {
                    tokens.append(Int(random.next() % vocabulary))
                }
            }
        }
        var random = WeightRandom(seed: seed, stream: index)
        while tokens.count < count { tokens.append(Int(random.next() % vocabulary)) }
        return tokens
    }

    /// The bytes of request `index`.
    func request(_ index: Int) -> [UInt8] {
        var body = JSONObject()
        body["prompt"] = .array(prompt(index).map { .integer($0) })
        body["max_tokens"] = .integer(size(index).newTokens)
        body["temperature"] = 0
        body["ignore_eos"] = true
        body["stream"] = true
        body["stream_options"] = ["include_usage": true]
        if let kvCache = budgets.choices[budgets.choice(of: index, seed: seed)].kvCache { body["kv_cache"] = kvCache }
        for field in extraFields { body[field.name] = field.value }
        return target.post("/v1/completions", json: JSONValue.object(body).serialized(), headers: headers)
    }
}
