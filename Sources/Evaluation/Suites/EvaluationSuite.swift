/// A set of inputs with a way to judge a policy on them. Inputs are a function of settings and seed, so all policies
/// and budgets see the same ones and can be compared in pairs.
protocol EvaluationSuite {
    var kind: SuiteKind { get }
    var inputCount: Int { get }
    /// What the inputs are like, one value per input, by name: `distance`, `facts`.
    var traits: [String: [Int]] { get }

    /// The measures of each input under the variant with the budget.
    func measure(
        _ variant: PolicyVariant, _ budget: BudgetShare, runner: PolicyRunner
    ) throws(EvaluationError) -> SuiteOutcome
}

/// Measures by input and what the caches held.
struct SuiteOutcome: Equatable {
    var values: [Measure: [Double]]
    var cost: PolicyRunner.Cost
}

extension EvaluationSuite {
    /// One plan for each prompt.
    func inputs(
        _ prompts: [(tokens: ArraySlice<Int32>, newTokens: Int)], _ variant: PolicyVariant, _ budget: BudgetShare,
        _ runner: PolicyRunner
    ) throws(EvaluationError) -> [PolicyRunner.Input] {
        var inputs: [PolicyRunner.Input] = []
        for prompt in prompts {
            let plan = try budget.plan(
                variant, promptTokens: prompt.tokens.count, maxNewTokens: prompt.newTokens,
                model: runner.configuration)
            inputs.append(PolicyRunner.Input(prompt: Array(prompt.tokens), plan: plan))
        }
        return inputs
    }
}
