internal import Foundation

/// The server as a service manager sees it: it loads, serves, is alive for as long as its engine takes up work, and
/// drains.
final class ServiceSupervision: Sendable {
    let notifier: ServiceNotifier

    /// How many pings fit into the manager's patience: a step that takes three quarters of it harms nothing.
    private static let pingsPerPeriod = 4

    init(_ notifier: ServiceNotifier) { self.notifier = notifier }

    /// The server serves from now on; called once. `engineTurns` counts the turns of the engine's thread so far, and
    /// asking makes it turn; nil while there is no engine.
    func serves(_ status: String, engineTurns: @escaping @Sendable () -> UInt64?) {
        notifier.ready(status)
        guard let period = notifier.watchdog else { return }
        let interval = period / .seconds(Self.pingsPerPeriod)
        let thread = Thread { [notifier] in
            var last: UInt64?
            while true {
                let turns = engineTurns()
                if Self.isAlive(turns, after: last) { notifier.alive() }
                last = turns
                Thread.sleep(forTimeInterval: interval)
            }
        }
        thread.name = "keyhold-watchdog"
        thread.start()
    }

    /// An engine that was asked to turn has turned.
    static func isAlive(_ turns: UInt64?, after last: UInt64?) -> Bool {
        guard let turns, let last else { return true }
        return turns != last
    }
}
