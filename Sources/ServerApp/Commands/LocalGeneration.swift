internal import CompletionAPI
internal import Dispatch
internal import Generation
internal import JSON
internal import KVCaching
internal import Logging
internal import Observability
internal import Serving
internal import Synchronization

/// `keyhold generate`: one prompt through the same engine, without HTTP. Options pass the same checks as a request
/// body.
public struct LocalGeneration: Sendable {
    public var prompt: String
    /// The prompt is a user's message and goes through the chat format.
    public var isChat = false
    public var maxTokens: Int?
    public var temperature: Double?
    public var topP: Double?
    public var topK: Int?
    public var minP: Double?
    public var repetitionPenalty: Double?
    public var seed: Int?
    public var stop: [String] = []

    public init(prompt: String) { self.prompt = prompt }

    /// What a run cost, for `--verbose`.
    public struct Outcome: Sendable {
        /// Lines of `name value`.
        public let report: String
        /// The engine failed; the text says how.
        public let failure: String?
    }

    /// Runs the prompt and hands the text out as it comes. Blocks until the end.
    public func run(_ configuration: ServerConfiguration, write: @escaping @Sendable (String) -> Void) throws -> Outcome
    {
        try checkNumbers()
        let progress = LoadProgress()
        let model = try ModelLoader.load(configuration.model) { progress.show($0) }
        progress.end()
        let preparation = RequestPreparation(model: model, strictFields: true)
        let request = isChat ? try preparation.chat(body) : try preparation.completion(body)
        let arena = KVArena(capacityBytes: configuration.kvPoolBytes)
        let metrics = ServiceMetrics(
            registry: MetricsRegistry(), poolBytes: arena.capacityBytes, endpoints: [], usedBytes: { 0 })
        let service = try ModelService(
            model, configuration: configuration, arena: arena, metrics: metrics, logger: Logs.logger(configuration)
        ).service
        defer { service.stop() }
        let ending = Mutex<(FinishReason, GenerationUsage)?>(nil)
        let done = DispatchSemaphore(value: 0)
        _ = try service.submit(request.requests, deadline: nil) { event in
            switch event {
            case .accepted, .token(_, .prompt): break
            case .rejected: done.signal()
            case .token(_, .text(_, let text, _, _)): write(text)
            case .token(_, .finished(_, let reason, _, let usage)):
                ending.withLock { $0 = (reason, usage) }
                done.signal()
            }
        }
        done.wait()
        return Self.outcome(ending.withLock { $0 })
    }

    /// JSON has no NaN and no infinity: in a body they would count as absent.
    private func checkNumbers() throws(APIError) {
        let numbers = [
            ("temperature", temperature), ("top_p", topP), ("min_p", minP), ("repetition_penalty", repetitionPenalty),
        ]
        for case (let name, let value?) in numbers where !value.isFinite {
            throw .invalidRequest("\(name) must be a number, not \(value).", param: name, code: "invalid_value")
        }
    }

    /// The request body that the options amount to.
    private var body: [UInt8] {
        var body = JSONObject()
        if isChat {
            body["messages"] = [["role": "user", "content": .string(prompt)]]
        } else {
            body["prompt"] = .string(prompt)
        }
        body["max_tokens"] = maxTokens.map { .integer($0) }
        body["temperature"] = temperature.map { .real($0) }
        body["top_p"] = topP.map { .real($0) }
        body["top_k"] = topK.map { .integer($0) }
        body["min_p"] = minP.map { .real($0) }
        body["repetition_penalty"] = repetitionPenalty.map { .real($0) }
        body["seed"] = seed.map { .integer($0) }
        body["stop"] = stop.isEmpty ? nil : .array(stop.map { .string($0) })
        return JSONValue.object(body).serialized()
    }

    private static func outcome(_ ending: (FinishReason, GenerationUsage)?) -> Outcome {
        guard let (reason, usage) = ending else { return Outcome(report: "", failure: "the engine took no work") }
        var failure: String?
        if case .error(let message) = reason { failure = message }
        let cache = usage.cache
        let steps = Double(max(0, usage.completionTokens - 1))
        let speed = usage.decodeSeconds > 0 ? steps / usage.decodeSeconds : 0
        let report = """
            finish reason  \(ServiceMetrics.FinishLabel(reason).rawValue)
            prompt         \(usage.promptTokens) tokens in \(rounded(usage.prefillSeconds)) s
            generated      \(usage.completionTokens) tokens in \(rounded(usage.decodeSeconds)) s
            decode speed   \(rounded(speed)) tokens per second
            KV policy      \(cache.policy), budget \(cache.budgetTokens) tokens, \(cache.budgetBytes) bytes
            KV held        at most \(cache.peakTokens) tokens and \(cache.peakBytes) bytes
            KV evicted     \(cache.evictedTokens) tokens

            """
        return Outcome(report: report, failure: failure)
    }

    /// Three decimal places.
    private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
