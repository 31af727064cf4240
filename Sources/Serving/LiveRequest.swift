internal import Generation
internal import Scheduling

/// A request from its acceptance to its last event; lives on the engine thread.
final class LiveRequest {
    let id: RequestID
    let tenant: Tenant
    let onEvent: @Sendable (ServiceEvent) -> Void
    /// Its sequences that have not ended.
    private(set) var sequences: [SequenceID]

    init(_ submission: Submission) {
        id = submission.id
        tenant = submission.terms.tenant
        onEvent = submission.onEvent
        sequences = submission.sequences.map(\.id)
    }

    /// True when it was the last one.
    func remove(_ sequence: SequenceID) -> Bool {
        sequences.removeAll { $0 == sequence }
        return sequences.isEmpty
    }
}
