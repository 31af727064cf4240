public import Generation

/// What one step computes: decode rows of running sequences and pieces of prompts.
public struct StepBatch: Sendable, Equatable {
    /// A sequence that feeds the token sampled last.
    public struct DecodeRow: Sendable, Equatable {
        public var sequence: SequenceID
        public var token: TokenID

        public init(sequence: SequenceID, token: TokenID) {
            self.sequence = sequence
            self.token = token
        }
    }

    public var decode: [DecodeRow]
    public var prefill: [PrefillPiece]

    public init(decode: [DecodeRow] = [], prefill: [PrefillPiece] = []) {
        self.decode = decode
        self.prefill = prefill
    }
}

/// A row of logits that a step produced.
public enum LogitsOrigin: Sendable, Equatable {
    /// The next token of the sequence is sampled from it: a decode row, or the prompt's last row.
    case next(SequenceID)
    /// Row `row` of the prompt predicts prompt token `row + 1`; only for sequences that asked for prompt logprobs.
    case prompt(SequenceID, row: Int)
}
