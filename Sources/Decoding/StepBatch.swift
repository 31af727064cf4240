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

    /// Prompt rows `rows` through the layers `layers`. Prefill is layer-major: all rows pass a layer, which is then
    /// pruned, before the next layer starts; so more than one layer only with all rows of the prompt.
    public struct PrefillPiece: Sendable, Equatable {
        public var sequence: SequenceID
        public var layers: Range<Int>
        public var rows: Range<Int>

        public init(sequence: SequenceID, layers: Range<Int>, rows: Range<Int>) {
            self.sequence = sequence
            self.layers = layers
            self.rows = rows
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
