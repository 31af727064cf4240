/// A piece of a sequence's prompt: rows `rows` through layers `layers`.
///
/// Where something of the prompt is evicted, prefill is layer-major: all rows pass a layer, which is then pruned,
/// before the next layer starts. So a piece has more than one layer only with all rows of the prompt. Other prompts
/// pass by rows: a piece has all layers.
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
