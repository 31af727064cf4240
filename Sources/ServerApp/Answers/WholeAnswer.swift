internal import CompletionAPI
internal import Generation
internal import Serving
internal import Synchronization

/// Gathers the events of a request that is not streamed and answers once. Events come on the answers' thread.
final class WholeAnswer: Answer {
    private struct State {
        var collector: ResponseCollector
        var headers: [(String, String)] = []
        var isAnswered = false
        /// A choice was ended from outside before its time.
        var isCut = false
    }

    private let channel: AnswerChannel
    private let promptTokens: Int
    private let overload: APIError.OverloadStatus
    private let state: Mutex<State>

    init(_ request: PreparedRequest, channel: AnswerChannel, overload: APIError.OverloadStatus) {
        self.channel = channel
        self.overload = overload
        promptTokens = request.promptTokens
        state = Mutex(State(collector: ResponseCollector(identity: request.identity, shape: request.shape)))
    }

    func receive(_ event: ServiceEvent) {
        switch event {
        case .accepted(let caches):
            channel.report.accepted(caches, promptTokens: promptTokens)
            state.withLock { $0.headers = AnswerChannel.cacheHeaders(caches) }
        case .rejected(let rejection):
            channel.respond(APIError(rejection, overload: overload))
        case .token(let prompt, let event):
            channel.report.observe(event)
            if let finished = add(event, prompt: prompt) { answer(finished) }
        }
    }

    /// The state when this event is the last that matters.
    private func add(_ event: TokenEvent, prompt: Int) -> State? {
        state.withLock { state in
            state.collector.add(event, prompt: prompt)
            if case .finished(_, .cancelled, _, _) = event { state.isCut = true }
            guard state.collector.isFinished, !state.isAnswered else { return nil }
            state.isAnswered = true
            return state
        }
    }

    private func answer(_ state: State) {
        guard !channel.call.isGone else { return channel.report.complete() }
        guard !state.isCut else { return channel.respond(.cutByShutdown) }
        do {
            channel.respond(json: try state.collector.response(), headers: state.headers)
        } catch {
            channel.respond(error)
            channel.call.cancel()
        }
    }
}
