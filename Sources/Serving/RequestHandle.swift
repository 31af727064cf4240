/// The submitter's end of a request. Every method may be called from any thread at any time, also after the request has
/// ended, and returns at once. Dropping the handle changes nothing.
public final class RequestHandle: Sendable {
    private let id: RequestID
    private let inbox: Inbox

    init(id: RequestID, inbox: Inbox) {
        self.id = id
        self.inbox = inbox
    }

    /// The client left or wants no more: every choice ends with `cancelled`, before the next step is computed. A
    /// request that has ended meanwhile stays as it is.
    public func cancel() {
        inbox.cancel(id)
    }

    /// The reader is slow: nothing more is computed for the request, which keeps its place and its memory.
    public func pause() {
        inbox.setPaused(id, true)
    }

    /// Ends a pause.
    public func resume() {
        inbox.setPaused(id, false)
    }
}
