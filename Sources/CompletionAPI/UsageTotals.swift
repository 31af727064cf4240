internal import Generation
internal import JSON

/// Tokens and cache of all choices of a request, for `usage`.
///
/// `prompt_tokens` counts each prompt once, however many choices it has; `completion_tokens` sums up all choices.
/// In `kv_cache`, what is counted per lane (`budget_tokens`, `peak_tokens`) is the largest of any choice;
/// `prompt_tokens_retained` is, like `prompt_tokens`, counted once per prompt (its largest choice); bytes, evicted
/// tokens and byte-seconds are sums, so that `peak_bytes` bounds what the choices held together.
struct UsageTotals: Sendable {
    private let promptTokens: [Int]
    private let choicesPerPrompt: Int
    private let sessionID: String?
    private var generated: [Int]
    private var finished: [GenerationUsage?]

    /// Nothing generated yet.
    init(shape: ResponseShape) {
        promptTokens = shape.promptTokens
        choicesPerPrompt = shape.choicesPerPrompt
        sessionID = shape.sessionID
        generated = Array(repeating: 0, count: shape.choiceCount)
        finished = Array(repeating: nil, count: shape.choiceCount)
    }

    /// Completion tokens of a choice so far.
    mutating func record(generated count: Int, index: Int) { generated[index] = count }

    /// The last word about a choice.
    mutating func record(finished usage: GenerationUsage, index: Int) {
        generated[index] = usage.completionTokens
        finished[index] = usage
    }

    /// Of all choices.
    var completionTokens: Int { generated.reduce(0, +) }

    /// When another try has a chance, for a request whose choices waited too long.
    var retryAfterSeconds: Int? { finished.compactMap { $0?.retryAfterSeconds }.max() }

    /// Token counts so far.
    func writeRunning(to writer: inout JSONWriter) {
        writer.beginObject()
        writeCounts(to: &writer)
        writer.endObject()
    }

    /// Everything, once all choices have finished.
    func writeFinal(to writer: inout JSONWriter) {
        writer.beginObject()
        writeCounts(to: &writer)
        writer.key("prompt_tokens_details")
        writer.beginObject()
        writer.member("cached_tokens", cachedTokens)
        writer.endObject()
        writeCache(to: &writer)
        writer.endObject()
    }

    private func writeCounts(to writer: inout JSONWriter) {
        let prompt = promptTokens.reduce(0, +)
        writer.member("prompt_tokens", prompt)
        writer.member("completion_tokens", completionTokens)
        writer.member("total_tokens", prompt + completionTokens)
    }

    /// Of each prompt, counted once, what none of its choices had to read.
    private var cachedTokens: Int {
        promptTokens.indices.reduce(0) { sum, prompt in
            let choices = prompt * choicesPerPrompt..<(prompt + 1) * choicesPerPrompt
            return sum + (finished[choices].compactMap { $0?.cachedTokens }.min() ?? 0)
        }
    }

    private func writeCache(to writer: inout JSONWriter) {
        let usages = finished.compactMap { $0 }
        let caches = usages.map(\.cache)
        guard let first = caches.first else { return }
        let retained = promptTokens.indices.map { prompt in
            let choices = prompt * choicesPerPrompt..<(prompt + 1) * choicesPerPrompt
            return finished[choices].compactMap { $0?.cache.promptTokensRetained }.max() ?? 0
        }
        writer.key("kv_cache")
        writer.beginObject()
        writer.key("policy")
        writer.string(first.policy)
        writer.member("budget_tokens", caches.map(\.budgetTokens).max() ?? 0)
        writer.member("budget_bytes", caches.map(\.budgetBytes).reduce(0, +))
        writer.member("prompt_tokens_retained", retained.reduce(0, +))
        writer.member("peak_tokens", caches.map(\.peakTokens).max() ?? 0)
        writer.member("peak_bytes", caches.map(\.peakBytes).reduce(0, +))
        writer.member("evicted_tokens", caches.map(\.evictedTokens).reduce(0, +))
        writer.key("byte_seconds")
        writer.real(usages.map(\.byteSeconds).reduce(0, +))
        writer.key("session_id")
        writer.stringOrNull(sessionID)
        writer.key("shrunk")
        writer.bool(caches.contains(where: \.isShrunk))
        writer.endObject()
    }
}

extension JSONWriter {
    /// A key with an integer.
    mutating func member(_ key: String, _ value: Int) {
        self.key(key)
        integer(value)
    }

    /// A key with a string.
    mutating func member(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }
}
