public import Generation
internal import JSON

/// Gathers the events of a request that is not streamed and writes the one answer.
public struct ResponseCollector: Sendable {
    /// One choice so far.
    private struct Choice: Sendable {
        var text = ""
        var tokens: [PlacedToken] = []
        var offsets = TextOffsets()
        var ending: (reason: FinishReason, stopReason: String?)?
    }

    private let identity: ResponseIdentity
    private let shape: ResponseShape
    private var usage: UsageTotals
    private var choices: [Choice]
    private var unfinishedChoices: Int
    private var failure: String?

    /// A collector for one request that has been accepted.
    public init(identity: ResponseIdentity, shape: ResponseShape) {
        self.identity = identity
        self.shape = shape
        usage = UsageTotals(shape: shape)
        unfinishedChoices = shape.choiceCount
        choices = (0..<shape.choiceCount).map { index in
            Choice(text: shape.echoes.map { $0[index / shape.choicesPerPrompt] } ?? "")
        }
    }

    /// All choices have ended, or one has failed: time for `response()`.
    public var isFinished: Bool { unfinishedChoices == 0 || failure != nil }

    /// Whether writing the answer takes next to nothing: one choice, little text, no tokens with their probabilities.
    public var isShort: Bool {
        choices.count == 1 && choices[0].tokens.isEmpty && choices[0].text.utf8.count <= Self.shortBytes
    }

    private static let shortBytes = 1024

    /// Takes one event of prompt number `prompt`.
    public mutating func add(_ event: TokenEvent, prompt: Int) {
        switch event {
        case .prompt(let choice, let tokens):
            guard let echoes = shape.echoes, shape.hasLogprobs else { return }
            let index = index(prompt, choice)
            let places = choices[index].offsets.place(prompt: tokens, in: echoes[prompt])
            choices[index].tokens += zip(tokens, places).map(PlacedToken.init)
        case .text(let choice, let text, let tokens, let generated):
            let index = index(prompt, choice)
            usage.record(generated: generated, index: index)
            choices[index].text += text
            guard shape.hasLogprobs else { return }
            for token in tokens {
                let offset = choices[index].offsets.place(token.bytes)
                choices[index].tokens.append(PlacedToken(token: token, offset: offset))
            }
        case .finished(let choice, let reason, let stopReason, let choiceUsage):
            if case .error(let message) = reason { failure = message }
            let index = index(prompt, choice)
            if choices[index].ending == nil { unfinishedChoices -= 1 }
            choices[index].ending = (reason, stopReason)
            usage.record(finished: choiceUsage, index: index)
        }
    }

    /// The body of the answer, once `isFinished`. A failed choice fails the request; a deadline that passed before any
    /// token was generated is an error too, not an empty answer.
    public func response(
        overload: APIError.OverloadStatus = .tooManyRequests
    ) throws(APIError) -> [UInt8] {
        if let failure { throw .serverError(failure) }
        precondition(unfinishedChoices == 0, "\(unfinishedChoices) choices have not ended")
        if usage.completionTokens == 0, choices.contains(where: { $0.ending?.reason == .deadline }) {
            throw .waitedTooLong(retryAfterSeconds: usage.retryAfterSeconds ?? 5, status: overload)
        }
        var writer = JSONWriter()
        identity.write(
            object: shape.endpoint == .chat ? "chat.completion" : "text_completion", to: &writer,
            choices: { writer in
                for (index, choice) in choices.enumerated() { write(choice, index, to: &writer) }
            },
            usage: { usage.writeFinal(to: &$0) })
        return writer.bytes
    }

    private func index(_ prompt: Int, _ choice: Int) -> Int { prompt * shape.choicesPerPrompt + choice }

    private func write(_ choice: Choice, _ index: Int, to writer: inout JSONWriter) {
        writer.beginChoice(index)
        switch shape.endpoint {
        case .completion: writer.member("text", choice.text)
        case .chat:
            writer.key("message")
            writer.beginObject()
            writer.member("role", "assistant")
            writer.member("content", choice.text)
            writer.key("refusal")
            writer.null()
            writer.key("annotations")
            writer.beginArray()
            writer.endArray()
            writer.endObject()
        }
        writer.endChoice(
            logprobs: { shape.writeLogprobs(choice.tokens, to: &$0) }, finishReason: choice.ending?.reason.wireName,
            stopReason: choice.ending.flatMap { $0.reason.wireStopReason($0.stopReason) })
    }
}
