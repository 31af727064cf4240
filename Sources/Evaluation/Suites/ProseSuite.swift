internal import Generation

/// Prose that goes on after a pruned prompt: the continuation is fed token by token and each distribution is compared
/// with the full cache's. The first distribution comes from the prompt itself, before pruning, and does not count.
struct ProseSuite: EvaluationSuite {
    let kind = SuiteKind.prose
    let traits: [String: [Int]] = [:]
    private let texts: [[TokenID]]
    private let promptTokens: Int

    var inputCount: Int { texts.count }

    init(settings: EvaluationSettings, builder: PassageBuilder) throws(EvaluationError) {
        var random = EvaluationRandom(seed: settings.seed, stream: 10)
        var texts: [[TokenID]] = []
        for _ in 0..<settings.proseTexts {
            texts.append(
                try builder.passage(
                    length: settings.contextTokens + settings.continuationTokens, inserts: [], random: &random
                ).tokens)
        }
        self.texts = texts
        promptTokens = settings.contextTokens
    }

    func measure(
        _ cases: [EvaluationCase], runner: PolicyRunner, progress: (Double) -> Void
    ) throws(EvaluationError) -> [SuiteOutcome] {
        let reference = reference()
        let prompts = texts.map { (tokens: $0.prefix(promptTokens), newTokens: $0.count - promptTokens) }
        let inputs = try inputs(prompts, [reference] + cases, runner)
        var sums = [[Sums]](repeating: .init(repeating: Sums(), count: texts.count), count: cases.count)
        // Texts in groups, so that few reference distributions are held.
        for start in stride(from: 0, to: texts.count, by: Self.groupSize) {
            let group = start..<min(start + Self.groupSize, texts.count)
            var full = [[Distribution]](repeating: [], count: group.count)
            runner.run(
                Array(inputs[group]),
                progress: { progress((Double(start) + $0 * Double(group.count)) / Double(texts.count)) },
                next: { place, step, logits in
                    let text = texts[start + place.input]
                    let token = text[promptTokens + step]
                    guard step > 0 else { return token }
                    let row = Distribution(logits)
                    if place.plan == 0 {
                        full[place.input].append(row)
                    } else {
                        sums[place.plan - 1][start + place.input].add(
                            row, full: full[place.input][step - 1], token: Int(token))
                    }
                    return token
                })
        }
        return cases.indices.map { index in
            let steps = Double(texts[0].count - promptTokens - 1)
            return SuiteOutcome(
                values: [
                    .divergence: sums[index].map { $0.divergence / steps },
                    .agreement: sums[index].map { $0.agreement / steps },
                    .perplexity: sums[index].map { $0.loss / steps },
                ],
                cost: .init(of: inputs, plan: index + 1))
        }
    }

    /// Sums over the continuation of one text.
    private struct Sums {
        var divergence = 0.0
        var agreement = 0.0
        var loss = 0.0

        mutating func add(_ row: Distribution, full: Distribution, token: Int) {
            divergence += full.divergence(to: row)
            agreement += full.best == row.best ? 1 : 0
            loss -= row.logProbability(token)
        }
    }

    private static let groupSize = 8

    /// At 100 % every policy is the full cache; which one is named makes no difference.
    private func reference() -> EvaluationCase {
        guard let any = PolicyVariant.standard.first, let whole = BudgetShare.standard.first else {
            preconditionFailure("the policy table is empty")
        }
        return EvaluationCase(variant: any, budget: whole)
    }
}
