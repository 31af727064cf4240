/// Tables of RoPE for sequences of different lengths. A sequence has one table from its first token to its last, chosen
/// by the most tokens that it may be fed, so that all its keys are rotated alike and nothing is rotated twice.
/// Confined to the engine thread; the thread team only reads between two admissions.
public final class RoPETablesByLength {
    private let original: Int
    private let step: Int?
    private let pairing: RoPETable.Pairing
    private let frequencies: (Int) -> RoPETable.Frequencies
    private var tables: [Int: RoPETable] = [:]

    /// Sequences up to `original` tokens share a table. Longer ones do too where `step` is nil; otherwise lengths count
    /// in multiples of `step`, which bounds the number of tables. `frequencies` is asked for a length: `original`, or a
    /// longer one.
    public init(
        original: Int, step: Int?, pairing: RoPETable.Pairing, frequencies: @escaping (Int) -> RoPETable.Frequencies
    ) {
        precondition(original > 0 && step.map { $0 > 0 } ?? true, "lengths from \(original) on")
        self.original = original
        self.step = step
        self.pairing = pairing
        self.frequencies = frequencies
    }

    /// The length that stands for a sequence of `tokens`.
    func length(tokens: Int) -> Int {
        guard tokens > original else { return original }
        return step.map { (tokens + $0 - 1) / $0 * $0 } ?? original + 1
    }

    /// The table of a sequence of at most `tokens`, made at its first use, which is an admission.
    func table(tokens: Int) -> RoPETable {
        let length = length(tokens: tokens)
        if let table = tables[length] { return table }
        let table = RoPETable(frequencies(length), pairing: pairing)
        tables[length] = table
        return table
    }
}

@available(*, unavailable) extension RoPETablesByLength: Sendable {}
