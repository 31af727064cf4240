public import SessionFiles
internal import Synchronization

/// The contents of a session that is being saved. They stand in the session's own cache, so the session is busy until
/// they are given back: then its bytes may belong to somebody else at any moment.
public final class SessionLoan: Sendable {
    private let lent: Mutex<SavedSession?>
    private let giveBack: @Sendable () -> Void

    init(_ session: SavedSession, giveBack: @escaping @Sendable () -> Void) {
        lent = Mutex(session)
        self.giveBack = giveBack
    }

    /// Lends the contents to `body`, once; it keeps nothing of them. They are given back before this returns. A loan
    /// that is dropped unused is given back too.
    public func use<Result, Failure>(_ body: (SavedSession) throws(Failure) -> Result) throws(Failure) -> Result {
        defer { giveBack() }
        return try lend(to: body)
    }

    /// Nobody holds the contents any more when this returns.
    @inline(never)
    private func lend<Result, Failure>(to body: (SavedSession) throws(Failure) -> Result) throws(Failure) -> Result {
        guard let session = lent.withLock({ $0.take() }) else { preconditionFailure("a loan is used twice") }
        return try body(session)
    }

    deinit {
        let isUnused = lent.withLock { $0.take() } != nil
        if isUnused { giveBack() }
    }
}
