internal import Glibc
internal import Kernels

/// A mixture of feed-forwards over rows. Experts run one after the other, each over the rows that chose it, and a row
/// adds what its experts give in rising order of experts: its bits do not depend on the other rows.
struct ExpertPass {
    private let experts: ModelConfiguration.Experts
    private let router: [Compute.Product]
    private let passes: [FeedForwardPass]
    private let room: StepBuffers.ExpertRows
    private let output: ActivationRows
    private let compute: Compute

    init(
        _ weights: ExpertWeights, _ experts: ModelConfiguration.Experts?, _ activation: Compute.Activation,
        _ compute: Compute, _ buffers: StepBuffers
    ) {
        guard let experts, let room = buffers.experts else { preconditionFailure("experts without their numbers") }
        self.experts = experts
        self.room = room
        self.compute = compute
        output = buffers.projected
        router = [Compute.Product(weights.router.weight, bias: weights.router.bias, output: room.logits)]
        passes = weights.experts.map {
            FeedForwardPass($0, activation, compute, buffers, output: room.outputs)
        }
    }

    /// Rows of `input` to the same rows of `projected`.
    func run(_ input: ActivationRows, rows: Range<Int>) {
        compute.multiply(router, input: input, inputRows: rows, outputRow: rows.lowerBound)
        for row in rows { choose(row) }
        compute.scale(output, rows: rows, by: 0)
        for (index, pass) in passes.enumerated() {
            var count = 0
            for row in rows where room.weight(of: index, row: row) != nil {
                compute.copyRows(input, rows: row..<row + 1, to: room.gathered, targetRow: count)
                count += 1
            }
            guard count > 0 else { continue }
            pass.run(room.gathered, rows: 0..<count, isQuantised: false)
            count = 0
            for row in rows {
                guard let weight = room.weight(of: index, row: row) else { continue }
                compute.addScaled(room.outputs, row: count, by: weight, to: output, targetRow: row)
                count += 1
            }
        }
    }

    /// The row's experts by falling logit, the lower number first among equals, weighed by the softmax of all.
    private func choose(_ row: Int) {
        room.choices[row].removeAll(keepingCapacity: true)
        room.logits.withSpan(row) { logits in
            var (largest, total) = (-Float.infinity, Float(0))
            for index in 0..<experts.count { largest = max(largest, logits[index]) }
            for index in 0..<experts.count { total += expf(logits[index] - largest) }
            var chosen: Float = 0
            for _ in 0..<experts.used {
                var best = -1
                for index in 0..<experts.count where room.weight(of: index, row: row) == nil {
                    if best < 0 || logits[index] > logits[best] { best = index }
                }
                let weight = expf(logits[best] - largest) / total
                room.choices[row].append(StepBuffers.ExpertChoice(expert: best, weight: weight))
                chosen += weight
            }
            guard experts.normalizesWeights else { return }
            for index in room.choices[row].indices { room.choices[row][index].weight /= chosen }
        }
    }
}
