internal import CompletionAPI
internal import Generation
internal import HTTPFront
internal import Serving
internal import Synchronization

/// Turns the events of a streamed request into frames. Events, drains and pings come on the answers' thread, so each
/// sees the state that the one before left.
final class StreamedAnswer: Answer {
    /// Bytes waiting for the client above which its sequences pause; they resume when the front reports a drain.
    static let highWaterBytes = 256 << 10

    private struct State {
        var frames: ResponseStream
        var stream: HTTPStream?
        var isPaused = false
        /// The last frame has been written.
        var isOver = false
        var lastWrite = ContinuousClock.now
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
        self.overload = overload
        self.post = post
        (promptTokens, promptParam) = (request.promptTokens, request.promptParam)
        state = Mutex(State(frames: ResponseStream(identity: request.identity, shape: request.shape)))
    }

    func receive(_ event: ServiceEvent) {
        post { [self] in handle(event) }
    }

    private func handle(_ event: ServiceEvent) {
        switch event {
        case .accepted(let caches): start(caches)
        case .rejected(let rejection):
            channel.respond(APIError(rejection, promptParam: promptParam, overload: overload))
        case .token(let prompt, let event):
            channel.report.observe(event)
            forward(event, prompt: prompt)
        }
    }

    /// Sends a comment when the stream is open and nothing was sent for `silence`.
    func ping(after silence: Duration) {
        let stream = state.withLock { state -> HTTPStream? in
            let isSilent = ContinuousClock.now - state.lastWrite >= silence
            return isSilent && !state.isOver ? state.stream : nil
        }
        if let stream { write(ServerSentEvents.ping, to: stream) }
    }

    private func start(_ caches: [ResolvedCache]) {
        channel.report.accepted(caches, promptTokens: promptTokens)
        let stream = channel.startEvents(headers: AnswerChannel.cacheHeaders(caches))
        stream.onDrain { [weak self] in
            guard let self else { return }
            post { self.drained() }
        }
        let frames = state.withLock { state in
            state.stream = stream
            return state.frames.begin()
        }
        if !frames.isEmpty { write(frames, to: stream) }
    }

    private func forward(_ event: TokenEvent, prompt: Int) {
        let (stream, frames, isLast) = state.withLock { state -> (HTTPStream?, [UInt8], Bool) in
            guard !state.isOver else { return (nil, [], false) }
            let frames = self.frames(for: event, prompt: prompt, &state.frames)
            state.isOver = frames.isLast
            return (state.stream, frames.bytes, frames.isLast)
        }
        guard let stream else { return }
        if !frames.isEmpty { write(frames, to: stream) }
        guard isLast else { return }
        stream.finish()
        channel.call.cancel()
        channel.report.complete()
    }

    /// A sequence that waited too long to start is an error, not an empty answer, and so is one that was cut short.
    private func frames(
        for event: TokenEvent, prompt: Int, _ stream: inout ResponseStream
    ) -> (bytes: [UInt8], isLast: Bool) {
        if case .finished(_, .deadline, _, let usage) = event, usage.completionTokens == 0 {
            let error = APIError.waitedTooLong(retryAfterSeconds: usage.retryAfterSeconds ?? 5, status: overload)
            return (error.streamFrames(), true)
        }
        if case .finished(_, .cancelled, _, _) = event { return (APIError.cutByShutdown.streamFrames(), true) }
        let bytes = stream.frames(for: event, prompt: prompt)
        return (bytes, stream.isFinished)
    }

    private func write(_ bytes: [UInt8], to stream: HTTPStream) {
        let mustPause =
            switch stream.write(bytes) {
            case .queued(let waiting): waiting > Self.highWaterBytes
            case .closed: false
            }
        let pauses = state.withLock { state in
            state.lastWrite = .now
            defer { state.isPaused = state.isPaused || mustPause }
            return mustPause && !state.isPaused
        }
        if pauses { channel.call.pause() }
    }

    private func drained() {
        let resumes = state.withLock { state in
            defer { state.isPaused = false }
            return state.isPaused
        }
        if resumes { channel.call.resume() }
    }
}
