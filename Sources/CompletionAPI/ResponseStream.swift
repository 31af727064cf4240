public import Generation
internal import JSON

/// Turns the events of a request into the frames of its stream. A pure value: no clock, no I/O. The frames of one call
/// belong into one write.
public struct ResponseStream: Sendable {
    private let identity: ResponseIdentity
    private let shape: ResponseShape
    private var usage: UsageTotals
    private var offsets: [TextOffsets]
    private var unfinishedChoices: Set<Int>
    private var hasBegun = false

    /// All choices have ended, or one has failed: the frames for `[DONE]` were returned, later events give none.
    public private(set) var isFinished = false

    /// A stream for one request that has been accepted.
    public init(identity: ResponseIdentity, shape: ResponseShape) {
        self.identity = identity
        self.shape = shape
        usage = UsageTotals(shape: shape)
        offsets = Array(repeating: TextOffsets(), count: shape.choiceCount)
        unfinishedChoices = Set(0..<shape.choiceCount)
    }

    /// Frames that need no token: the role of each chat choice, the echoed prompts. To be sent as soon as the request
    /// is accepted; the first event sends them otherwise. A second call gives nothing.
    public mutating func begin() -> [UInt8] {
        guard !hasBegun else { return [] }
        hasBegun = true
        var frames: [UInt8] = []
        for index in 0..<shape.choiceCount {
            switch shape.endpoint {
            case .chat:
                frames += chunk { writer in
                    writer.beginChoice(index)
                    writer.key("delta")
                    writer.beginObject()
                    writer.member("role", "assistant")
                    writer.member("content", "")
                    writer.endObject()
                    writer.endChoice(logprobs: { $0.null() }, finishReason: nil)
                }
            case .completion:
                // With logprobs the prompt's text comes together with its tokens.
                guard let echoes = shape.echoes, !shape.hasLogprobs else { continue }
                frames += textChunk(index, text: echoes[index / shape.choicesPerPrompt], tokens: [])
            }
        }
        return frames
    }

    /// Frames of one event of prompt number `prompt`. The last choice's end brings usage (where asked for) and
    /// `[DONE]`.
    public mutating func frames(for event: TokenEvent, prompt: Int) -> [UInt8] {
        guard !isFinished else { return [] }
        var frames = begin()
        switch event {
        case .prompt(let choice, let tokens): frames += promptFrames(index(prompt, choice), prompt: prompt, tokens)
        case .text(let choice, let text, let tokens, let generated):
            frames += textFrames(index(prompt, choice), text: text, tokens: tokens, generated: generated)
        case .finished(_, .error(let message), _, _):
            isFinished = true
            frames += APIError.serverError(message).streamFrames()
        case .finished(let choice, let reason, let stopReason, let usage):
            frames += endFrames(index(prompt, choice), reason, stopReason, usage)
        }
        return frames
    }

    private func index(_ prompt: Int, _ choice: Int) -> Int { prompt * shape.choicesPerPrompt + choice }

    private mutating func promptFrames(_ index: Int, prompt: Int, _ tokens: [ReportedToken]) -> [UInt8] {
        guard let echoes = shape.echoes, shape.hasLogprobs else { return [] }
        let places = offsets[index].place(prompt: tokens, in: echoes[prompt])
        return textChunk(index, text: echoes[prompt], tokens: zip(tokens, places).map(PlacedToken.init))
    }

    private mutating func textFrames(
        _ index: Int, text: String, tokens: [ReportedToken], generated: Int
    ) -> [UInt8] {
        usage.record(generated: generated, index: index)
        guard !text.isEmpty || (shape.hasLogprobs && !tokens.isEmpty) else { return [] }
        var placed: [PlacedToken] = []
        if shape.hasLogprobs {
            for token in tokens { placed.append(PlacedToken(token: token, offset: offsets[index].place(token.bytes))) }
        }
        return textChunk(index, text: text, tokens: placed)
    }

    private mutating func endFrames(
        _ index: Int, _ reason: FinishReason, _ stopReason: String?, _ choiceUsage: GenerationUsage
    ) -> [UInt8] {
        usage.record(finished: choiceUsage, index: index)
        unfinishedChoices.remove(index)
        var frames = chunk { writer in
            writer.beginChoice(index)
            switch shape.endpoint {
            case .completion: writer.member("text", "")
            case .chat:
                writer.key("delta")
                writer.beginObject()
                writer.endObject()
            }
            writer.endChoice(
                logprobs: { $0.null() }, finishReason: reason.wireName, stopReason: reason.wireStopReason(stopReason))
        }
        if unfinishedChoices.isEmpty {
            isFinished = true
            if shape.stream?.includeUsage == true { frames += usageChunk() }
            frames += ServerSentEvents.done
        }
        return frames
    }

    private func textChunk(_ index: Int, text: String, tokens: [PlacedToken]) -> [UInt8] {
        chunk { writer in
            writer.beginChoice(index)
            switch shape.endpoint {
            case .completion: writer.member("text", text)
            case .chat:
                writer.key("delta")
                writer.beginObject()
                writer.member("content", text)
                writer.endObject()
            }
            writer.endChoice(
                logprobs: { writer in
                    if tokens.isEmpty { writer.null() } else { shape.writeLogprobs(tokens, to: &writer) }
                }, finishReason: nil)
        }
    }

    private var object: String {
        switch shape.endpoint {
        case .completion: "text_completion"
        case .chat: "chat.completion.chunk"
        }
    }

    private func chunk(_ choices: (inout JSONWriter) -> Void) -> [UInt8] {
        let options = shape.stream ?? StreamOptions()
        return ServerSentEvents.frame { writer in
            if options.continuousUsage {
                identity.write(
                    object: object, to: &writer, choices: choices, usage: { usage.writeRunning(to: &$0) })
            } else if options.includeUsage {
                identity.write(object: object, to: &writer, choices: choices, usage: { $0.null() })
            } else {
                identity.write(object: object, to: &writer, choices: choices, usage: nil)
            }
        }
    }

    private func usageChunk() -> [UInt8] {
        ServerSentEvents.frame { writer in
            identity.write(
                object: object, to: &writer, choices: { _ in }, usage: { usage.writeFinal(to: &$0) })
        }
    }
}

extension JSONWriter {
    /// Opens a choice and writes its index.
    mutating func beginChoice(_ index: Int) {
        beginObject()
        member("index", index)
    }

    /// Writes what follows the text of a choice and closes it.
    mutating func endChoice(
        logprobs: (inout JSONWriter) -> Void, finishReason: String?, stopReason: String? = nil
    ) {
        key("logprobs")
        logprobs(&self)
        key("finish_reason")
        stringOrNull(finishReason)
        key("stop_reason")
        stringOrNull(stopReason)
        endObject()
    }
}
