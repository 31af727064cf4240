internal import CompletionAPI
internal import Generation
internal import Serving
internal import Synchronization

/// Gathers the events of a request that is not streamed and answers once. Events are kept as they come; a short answer
/// is written at once, a longer one on the answers' thread, which is woken for nothing else.
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
    private let promptParam: String
    private let overload: APIError.OverloadStatus
    /// Runs a closure on the answers' thread.
    private let post: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let state: Mutex<State>

    init(
        _ request: PreparedRequest, channel: AnswerChannel, overload: APIError.OverloadStatus,
        post: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.channel = channel
        self.post = post
        self.overload = overload
        (promptTokens, promptParam) = (request.promptTokens, request.promptParam)
        state = Mutex(State(collector: ResponseCollector(identity: request.identity, shape: request.shape)))
    }

    func receive(_ event: ServiceEvent) {
        switch event {
        case .accepted(let caches):
            channel.report.accepted(caches, promptTokens: promptTokens)
            state.withLock { $0.headers = AnswerChannel.cacheHeaders(caches) }
        case .rejected(let rejection):
            post { [self] in channel.respond(APIError(rejection, promptParam: promptParam, overload: overload)) }
        case .token(let prompt, let event):
            channel.report.observe(event)
            switch add(event, prompt: prompt) {
            case .waits: break
            case .answersHere: answer()
            case .answersElsewhere: post { [self] in answer() }
            }
        }
    }

    private enum Next {
        case waits
        /// On the engine's thread: waking another one takes longer than a short answer.
        case answersHere
        case answersElsewhere
    }

    /// What to do after this event.
    private func add(_ event: TokenEvent, prompt: Int) -> Next {
        state.withLock { state in
            state.collector.add(event, prompt: prompt)
            if case .finished(_, .cancelled, _, _) = event { state.isCut = true }
            guard state.collector.isFinished, !state.isAnswered else { return .waits }
            state.isAnswered = true
            return state.collector.isShort ? .answersHere : .answersElsewhere
        }
    }

    private func answer() {
        let state = state.withLock { $0 }
        guard !channel.call.isGone else { return channel.report.complete() }
        guard !state.isCut else { return channel.respond(.cutByShutdown) }
        do {
            channel.respond(json: try state.collector.response(overload: overload), headers: state.headers)
        } catch {
            channel.respond(error)
            channel.call.cancel()
        }
    }
}
