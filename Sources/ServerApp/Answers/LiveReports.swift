internal import Synchronization

/// The generations that have been taken and are not over, for `/status`.
final class LiveReports: Sendable {
    /// The most that a snapshot shows.
    static let mostShown = 1000

    private let reports = Mutex<[ObjectIdentifier: RequestReport]>([:])

    func enter(_ report: RequestReport) {
        reports.withLock { $0[ObjectIdentifier(report)] = report }
    }

    func leave(_ report: RequestReport) {
        reports.withLock { $0[ObjectIdentifier(report)] = nil }
    }

    /// The oldest ones, oldest first.
    var snapshots: [RequestReport.Snapshot] {
        let live = reports.withLock { Array($0.values) }
        return live.sorted { $0.startedAt < $1.startedAt }.prefix(Self.mostShown).map(\.snapshot)
    }
}
