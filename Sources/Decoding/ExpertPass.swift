internal import Glibc
internal import Kernels

/// A mixture of feed-forwards over rows. Experts run one after the other, each over the rows that chose it, and a row
/// adds what its experts give in rising order of experts: its bits do not depend on the other rows.
struct ExpertPass {
    let experts: ModelConfiguration.Experts
    let activation: ModelConfiguration.Activation
    let compute: Compute

    /// Rows of `input` to the first rows of `output`.
    func run(
        _ weights: ExpertWeights, _ input: ActivationRows, rows: Range<Int>, _ buffers: StepBuffers,
        _ room: StepBuffers.ExpertRows, output: ActivationRows
    ) {
        compute.multiply(
            weights.router.weight, bias: weights.router.bias, input: input, inputRows: rows, output: room.logits,
            outputRow: 0)
        for row in 0..<rows.count { room.choices[row] = choose(room.logits, row: row) }
        compute.scale(output, rows: 0..<rows.count, by: 0)
        let pass = FeedForwardPass(activation: activation, compute: compute)
        for (index, expert) in weights.experts.enumerated() {
            var count = 0
            for row in 0..<rows.count where room.choices[row].contains(where: { $0.expert == index }) {
                compute.copyRows(
                    input, rows: rows.lowerBound + row..<rows.lowerBound + row + 1, to: room.gathered, targetRow: count)
                count += 1
            }
            guard count > 0 else { continue }
            pass.run(expert, room.gathered, rows: 0..<count, buffers, output: room.outputs)
            count = 0
            for row in 0..<rows.count {
                guard let choice = room.choices[row].first(where: { $0.expert == index }) else { continue }
                compute.addScaled(room.outputs, row: count, by: choice.weight, to: output, targetRow: row)
                count += 1
            }
        }
    }

    /// The row's experts by falling weight, the lower number first among equals.
    private func choose(_ logits: ActivationRows, row: Int) -> [StepBuffers.ExpertChoice] {
        var choices: [StepBuffers.ExpertChoice] = []
        var total: Float = 0
        logits.withSpan(row) { logits in
            var largest = -Float.infinity
            for index in 0..<experts.count { largest = max(largest, logits[index]) }
            for index in 0..<experts.count { total += expf(logits[index] - largest) }
            for _ in 0..<experts.used {
                var best = -1
                for index in 0..<experts.count where !choices.contains(where: { $0.expert == index }) {
                    if best < 0 || logits[index] > logits[best] { best = index }
                }
                choices.append(StepBuffers.ExpertChoice(expert: best, weight: expf(logits[best] - largest) / total))
            }
        }
        guard experts.normalizesWeights else { return choices }
        let chosen = choices.reduce(Float(0)) { $0 + $1.weight }
        return choices.map { StepBuffers.ExpertChoice(expert: $0.expert, weight: $0.weight / chosen) }
    }
}
