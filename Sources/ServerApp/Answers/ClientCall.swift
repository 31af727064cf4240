internal import HTTPFront
internal import Serving
internal import Synchronization

/// Ties an exchange to the request that computes its answer: whoever learns first that the client left, the request is
/// cancelled once.
final class ClientCall: Sendable {
    private struct State {
        var isGone = false
        var handle: RequestHandle?
    }

    private let state = Mutex(State())

    /// The client left before the answer was complete.
    var isGone: Bool { state.withLock { $0.isGone } }

    /// The request was submitted; cancels it at once if the client left meanwhile.
    func attach(_ handle: RequestHandle) {
        let isGone = state.withLock { state in
            state.handle = handle
            return state.isGone
        }
        if isGone { handle.cancel() }
    }

    /// The exchange has ended, for whatever reason.
    func closed(_ reason: CloseReason) {
        let handle = state.withLock { state -> RequestHandle? in
            state.isGone = reason != .complete
            defer { state.handle = nil }
            return state.isGone ? state.handle : nil
        }
        handle?.cancel()
    }

    /// The answer is decided: whatever is still computed for it is given up.
    func cancel() { state.withLock { $0.handle }?.cancel() }

    /// The reader is slow: compute nothing more for it for now.
    func pause() { state.withLock { $0.handle }?.pause() }

    /// The reader has caught up.
    func resume() { state.withLock { $0.handle }?.resume() }
}
