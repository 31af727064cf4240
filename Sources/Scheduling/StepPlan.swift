public import Generation

/// What the scheduler wants computed in one step.
public struct StepPlan: Sendable, Equatable {
    /// Sequences that feed one token each.
    public var decode: [SequenceID]
    public var prefill: [PrefillPiece]

    public init(decode: [SequenceID] = [], prefill: [PrefillPiece] = []) {
        self.decode = decode
        self.prefill = prefill
    }

    public var isEmpty: Bool { decode.isEmpty && prefill.isEmpty }
}
