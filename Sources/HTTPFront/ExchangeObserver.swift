internal import Synchronization

/// Remembers who wants to hear of an exchange's end. C holds it until the end has been told.
final class ExchangeObserver: Sendable {
    private struct State {
        var reason: CloseReason?
        var onClosed: [@Sendable (CloseReason) -> Void] = []
        var onDrain: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Calls the body at once if the exchange has ended.
    func onClosed(_ body: @escaping @Sendable (CloseReason) -> Void) {
        let reason = state.withLock { state in
            if state.reason == nil { state.onClosed.append(body) }
            return state.reason
        }
        if let reason { body(reason) }
    }

    /// Replaces the body that is called when the queue has drained.
    func onDrain(_ body: @escaping @Sendable () -> Void) {
        state.withLock { state in
            if state.reason == nil { state.onDrain = body }
        }
    }

    /// Tells the end, once, and lets go of all closures: they may hold the exchange.
    func close(_ reason: CloseReason) {
        let bodies = state.withLock { state in
            precondition(state.reason == nil, "an exchange ends once")
            state.reason = reason
            state.onDrain = nil
            defer { state.onClosed = [] }
            return state.onClosed
        }
        for body in bodies { body(reason) }
    }

    func drain() {
        let body = state.withLock { state in state.onDrain }
        body?()
    }
}
