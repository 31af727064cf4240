internal import Generation

/// What tells two runs apart: settings, text, and the model by what it computes.
struct RunFingerprint {
    /// FNV-1a, 64 bits.
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    private mutating func absorb(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    private mutating func absorb(_ word: UInt32) {
        absorb((0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) })
    }

    /// 16 hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Runs the first tokens of the text through the model: other weights, other bits.
    init(settings: EvaluationSettings, builder: PassageBuilder, runner: PolicyRunner) throws(EvaluationError) {
        absorb(settings.fingerprintText.utf8)
        for token in builder.filler.tokens { absorb(UInt32(bitPattern: token)) }
        let probe = builder.wording.prefix + builder.filler.tokens.prefix(16)
        guard let any = PolicyVariant.standard.first, let whole = BudgetShare.standard.first else { return }
        let plan = try whole.plan(
            any, promptTokens: probe.count, maxNewTokens: 1, model: runner.configuration)
        var bits: [UInt32] = []
        runner.run([PolicyRunner.Input(prompt: probe, plans: [plan])]) { _, _, logits in
            bits = logits.indices.map { logits[$0].bitPattern }
            return nil
        }
        for word in bits { absorb(word) }
    }
}
