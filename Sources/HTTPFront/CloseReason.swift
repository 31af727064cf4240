internal import CFront

/// How an exchange ended.
public enum CloseReason: Sendable, Equatable {
    /// The whole answer was handed to the system for sending.
    case complete
    /// The client closed or half-closed its connection, or stopped reading.
    case clientGone
    /// The stream was aborted, or the server stopped before the answer was complete.
    case aborted

    init(_ reason: cf_close_reason) {
        switch reason {
        case CF_CLOSED_COMPLETE: self = .complete
        case CF_CLOSED_ABORTED: self = .aborted
        default: self = .clientGone
        }
    }
}
