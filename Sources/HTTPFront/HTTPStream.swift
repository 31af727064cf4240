/// What became of a write.
public enum WriteResult: Sendable, Equatable {
    /// Taken; so many bytes now wait for the client. Pause the producer while this is large, see `onDrain`.
    case queued(bytes: Int)
    /// Nobody reads any more: the exchange has ended, or the stream was finished or aborted.
    case closed
}

/// An answer whose length is not known at its start. All methods may be called from any thread.
///
/// A stream that loses its last reference unfinished is aborted, so that the client is not left waiting.
public final class HTTPStream: Sendable {
    /// Nil if the exchange already had an answer: such a stream goes nowhere.
    private let call: CallHandle?
    private let observer: ExchangeObserver

    init(call: CallHandle?, observer: ExchangeObserver) {
        self.call = call
        self.observer = observer
    }

    deinit {
        call?.abort()
    }

    /// Queues bytes for the client. Writes that follow each other closely travel together.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> WriteResult {
        guard let queued = call?.write(bytes) else { return .closed }
        return .queued(bytes: queued)
    }

    /// Calls the body, on a loop thread, each time the queue falls to `FrontConfiguration.drainThresholdBytes` after
    /// having been above it; not any more after `finish`. It must not block. Replaces an earlier body.
    public func onDrain(_ body: @escaping @Sendable () -> Void) {
        observer.onDrain(body)
    }

    /// Ends the answer after what is queued.
    public func finish() {
        call?.finish()
    }

    /// Cuts the answer; the client sees a broken transfer. Without effect on a finished stream.
    public func abort() {
        call?.abort()
    }
}
