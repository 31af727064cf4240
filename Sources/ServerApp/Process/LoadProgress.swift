internal import Synchronization

/// A line on the terminal that says how far loading is; nothing where standard error is no terminal or loading is
/// quick.
final class LoadProgress: Sendable {
    private struct State {
        var shownPercent = -1
    }

    private let isShown = ProcessEnvironment.standardErrorIsTerminal
    private let startedAt = ContinuousClock.now
    private let state = Mutex(State())

    /// `share` is between 0 and 1.
    func show(_ share: Double) {
        guard isShown, ContinuousClock.now - startedAt > .milliseconds(300) else { return }
        let percent = Int(share * 100)
        let isNew = state.withLock { state in
            defer { state.shownPercent = percent }
            return percent != state.shownPercent
        }
        if isNew { write("\rloading \(percent) %") }
    }

    /// Clears the line.
    func end() {
        if state.withLock({ $0.shownPercent }) >= 0 { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) { StandardError.write(text) }
}
