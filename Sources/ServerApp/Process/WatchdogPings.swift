internal import Foundation

/// Tells the service manager that the server is alive, for as long as its engine takes up work.
final class WatchdogPings: Sendable {
    private let notifier: ServiceNotifier
    /// Turns of the engine's thread so far; asking makes it turn. Nil while there is no engine.
    private let engineTurns: @Sendable () -> UInt64?

    /// How many pings fit into the manager's patience: a step that takes three quarters of it harms nothing.
    private static let pingsPerPeriod = 4

    /// Begins where the manager watches.
    init(_ notifier: ServiceNotifier, engineTurns: @escaping @Sendable () -> UInt64?) {
        self.notifier = notifier
        self.engineTurns = engineTurns
        guard let period = notifier.watchdog else { return }
        let interval = period / .seconds(Self.pingsPerPeriod)
        let thread = Thread { [weak self] in
            var last: UInt64?
            while true {
                guard let self else { return }
                last = self.ping(after: last)
                Thread.sleep(forTimeInterval: interval)
            }
        }
        thread.name = "keyhold-watchdog"
        thread.start()
    }

    /// One look at the engine, which was at turn `last` at the previous one. Returns where it is.
    private func ping(after last: UInt64?) -> UInt64? {
        let turns = engineTurns()
        if Self.isAlive(turns, after: last) { notifier.alive() }
        return turns
    }

    /// An engine that was asked to turn has turned.
    static func isAlive(_ turns: UInt64?, after last: UInt64?) -> Bool {
        guard let turns, let last else { return true }
        return turns != last
    }
}
