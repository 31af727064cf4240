public import Generation

/// What the scheduler wants computed in one step.
public struct StepPlan: Sendable, Equatable {
    /// A piece of a sequence's prompt: rows `rows` through layers `layers` (see `Scheduler` for the order).
    public struct Prefill: Sendable, Equatable {
        public var sequence: SequenceID
        public var layers: Range<Int>
        public var rows: Range<Int>

        public init(sequence: SequenceID, layers: Range<Int>, rows: Range<Int>) {
            self.sequence = sequence
            self.layers = layers
            self.rows = rows
        }
    }

    /// Sequences that feed one token each.
    public var decode: [SequenceID]
    public var prefill: [Prefill]

    public init(decode: [SequenceID] = [], prefill: [Prefill] = []) {
        self.decode = decode
        self.prefill = prefill
    }

    public var isEmpty: Bool { decode.isEmpty && prefill.isEmpty }
}
