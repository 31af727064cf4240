internal import Decoding
internal import JSON
internal import Kernels
internal import KVCaching

/// Attention over f16 lanes and Keyformer's scores, in the model's shape.
extension KernelBenchmark {
    /// Entries of a lane: it does not fit a second-level cache.
    private static let slots = 8192

    func attention(_ compute: Compute) -> [BenchmarkRow] {
        let trial = AttentionTrial(shape: facts.configuration.cacheShape, slots: Self.slots, compute: compute)
        let (group, headDim) = (trial.shape.groupSize, trial.shape.headDim)
        let entries = trial.slots * trial.threads
        let entryBytes = 4 * headDim
        // Noise and a logit for each head; the score and the position.
        let scoreBytes = 8 * group + 8
        return [
            row("attention decode", rows: group, trial, Self.attended(entries, entryBytes, rows: group, headDim)) {
                trial.decode()
            },
            row(
                "attention prefill", rows: trial.promptRows, trial,
                Self.attended(entries, entryBytes, rows: trial.promptRows, headDim)
            ) { trial.prefill() },
            row(
                "score", rows: group, trial,
                Work(
                    bytes: entries * scoreBytes, weightOperations: 0,
                    attentionOperations: 20 * Double(group) * Double(entries), isQuantised: false)
            ) { trial.score() },
        ]
    }

    private static func attended(_ entries: Int, _ entryBytes: Int, rows: Int, _ headDim: Int) -> Work {
        Work(
            bytes: entries * entryBytes, weightOperations: 0,
            attentionOperations: 4 * Double(rows * headDim) * Double(entries), isQuantised: false)
    }

    /// Slots per second on all threads together.
    private func row(
        _ name: String, rows: Int, _ trial: AttentionTrial, _ work: Work, _ body: () -> Void
    ) -> BenchmarkRow {
        let entries = Double(trial.slots * trial.threads)
        var row = BenchmarkRow(
            name: name,
            parameters: [
                ("type", .string("F16")), ("rows", .integer(rows)), ("head_dim", .integer(trial.shape.headDim)),
                ("slots", .integer(trial.slots)),
            ],
            unit: "Gslot/s", summary: time(body).mapped { entries / $0 / 1e9 })
        let roofline = Roofline(work, on: limits)
        row.limit = (entries / roofline.seconds / 1e9, work, roofline.bound)
        row.details = [("nanoseconds_per_slot", .real(Double(trial.threads) / row.summary.median))]
        return row
    }
}
