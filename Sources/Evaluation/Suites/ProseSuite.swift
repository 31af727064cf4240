internal import Generation
internal import KVCaching

/// Prose that goes on after a pruned prompt: the continuation is fed token by token and each distribution is compared
/// with the full cache's. The first distribution comes from the prompt itself, before pruning, and does not count.
final class ProseSuite: EvaluationSuite {
    let kind = SuiteKind.prose
    let traits: [String: [Int]] = [:]
    private let texts: [[TokenID]]
    private let promptTokens: Int
    private let vocabularySize: Int
    /// Distributions of the full cache, by text and step; filled on first use where they fit.
    private var reference: [Int: [Distribution]] = [:]

    /// Bytes of reference logits that are kept; beyond them the full cache runs again for each point.
    private static let referenceLimit = 1 << 30

    var inputCount: Int { texts.count }

    init(settings: EvaluationSettings, builder: PassageBuilder, vocabularySize: Int) throws(EvaluationError) {
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
        self.vocabularySize = vocabularySize
    }

    func measure(
        _ variant: PolicyVariant, _ budget: BudgetShare, runner: PolicyRunner
    ) throws(EvaluationError) -> SuiteOutcome {
        var outcome = SuiteOutcome(values: [.divergence: [], .agreement: [], .perplexity: []], cost: .init())
        for start in stride(from: 0, to: texts.count, by: 8) {
            let group = Array(start..<min(start + 8, texts.count))
            let full = try reference(of: group, runner: runner)
            let (rows, cost) = try distributions(of: group, variant, budget, runner: runner)
            for index in group.indices { compare(rows[index], with: full[index], text: group[index], into: &outcome) }
            let share = Double(group.count) / Double(texts.count)
            outcome.cost.slots += cost.slots * share
            outcome.cost.bytes += cost.bytes * share
        }
        return outcome
    }

    private func compare(
        _ rows: [Distribution], with full: [Distribution], text: Int, into outcome: inout SuiteOutcome
    ) {
        var (divergence, agreement, loss) = (0.0, 0.0, 0.0)
        for (step, row) in rows.enumerated() {
            divergence += full[step].divergence(to: row)
            agreement += full[step].best == row.best ? 1 : 0
            loss -= row.logProbability(Int(texts[text][promptTokens + 1 + step]))
        }
        let count = Double(rows.count)
        outcome.values[.divergence]?.append(divergence / count)
        outcome.values[.agreement]?.append(agreement / count)
        outcome.values[.perplexity]?.append(loss / count)
    }

    private func reference(of group: [Int], runner: PolicyRunner) throws(EvaluationError) -> [[Distribution]] {
        let known = group.compactMap { reference[$0] }
        if known.count == group.count { return known }
        // At 100 % every policy is the full cache; which one is named makes no difference.
        guard let any = PolicyVariant.standard.first, let whole = BudgetShare.standard.first else {
            preconditionFailure("the policy table is empty")
        }
        let rows = try distributions(of: group, any, whole, runner: runner).rows
        let steps = texts[0].count - promptTokens - 1
        if texts.count * steps * vocabularySize * MemoryLayout<Float>.size <= Self.referenceLimit {
            for (index, text) in group.enumerated() { reference[text] = rows[index] }
        }
        return rows
    }

    /// Distributions after each continuation token but the last.
    private func distributions(
        of group: [Int], _ variant: PolicyVariant, _ budget: BudgetShare, runner: PolicyRunner
    ) throws(EvaluationError) -> (rows: [[Distribution]], cost: PolicyRunner.Cost) {
        let prompts = group.map {
            (tokens: texts[$0].prefix(promptTokens), newTokens: texts[$0].count - promptTokens)
        }
        var rows = [[Distribution]](repeating: [], count: group.count)
        let cost = runner.run(try inputs(prompts, variant, budget, runner)) { index, step, logits in
            if step > 0 { rows[index].append(Distribution(logits)) }
            return texts[group[index]][promptTokens + step]
        }
        return (rows, cost)
    }
}
