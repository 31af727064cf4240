internal import Synchronization

/// Counts the requests that have not heard their last event, and tells who waits for the count to reach zero.
final class LiveRequestCount: Sendable {
    private struct State {
        var count = 0
        var waiters: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// A request enters.
    func enter() {
        state.withLock { $0.count += 1 }
    }

    /// A request has heard its last event.
    func leave() {
        let waiters = state.withLock { state -> [@Sendable () -> Void] in
            precondition(state.count > 0, "a request left twice")
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }

    var isZero: Bool { state.withLock { $0.count == 0 } }

    /// Calls `body` once, when no request is left: at once, or on the thread that sees the last one leave.
    func whenZero(_ body: @escaping @Sendable () -> Void) {
        let isZero = state.withLock { state in
            if state.count > 0 { state.waiters.append(body) }
            return state.count == 0
        }
        if isZero { body() }
    }
}
