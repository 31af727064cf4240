internal import KVCaching

/// A set of inputs with a way to judge a policy on them. Inputs are a function of settings and seed, so all policies
/// and budgets see the same ones and can be compared in pairs.
protocol EvaluationSuite {
    var kind: SuiteKind { get }
    var inputCount: Int { get }
    /// What the inputs are like, one value per input, by name: `distance`, `facts`.
    var traits: [String: [Int]] { get }

    /// The measures of each input in each case. Cases share prompts where they can; what comes out for one does not
    /// depend on the others. `progress` hears the share that is done.
    func measure(
        _ cases: [EvaluationCase], runner: PolicyRunner, progress: (Double) -> Void
    ) throws(EvaluationError) -> [SuiteOutcome]
}

/// Measures by input and what the caches held.
struct SuiteOutcome: Equatable {
    var values: [Measure: [Double]]
    var cost: PolicyRunner.Cost
}

extension EvaluationSuite {
    /// A plan of each case for each prompt.
    func inputs(
        _ prompts: [(tokens: ArraySlice<Int32>, newTokens: Int)], _ cases: [EvaluationCase], _ runner: PolicyRunner
    ) throws(EvaluationError) -> [PolicyRunner.Input] {
        var inputs: [PolicyRunner.Input] = []
        for prompt in prompts {
            var plans: [CachePlan] = []
            for one in cases {
                plans.append(
                    try one.budget.plan(
                        one.variant, promptTokens: prompt.tokens.count, maxNewTokens: prompt.newTokens,
                        model: runner.configuration))
            }
            inputs.append(PolicyRunner.Input(prompt: Array(prompt.tokens), plans: plans))
        }
        return inputs
    }
}
