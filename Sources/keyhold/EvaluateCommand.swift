internal import ArgumentParser
internal import ServerApp

/// `keyhold evaluate`: quality against the KV budget, for every policy.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure what KV budgets cost a model, for every eviction policy.",
        discussion: """
            Compares policies on long prose, on recall of facts and on lists of all facts, over the same inputs and at \
            equal bytes. Prints a table and writes results.json, table.md and plots to --out; finished points are kept \
            there, and the same command goes on where it was stopped.
            """)

    @Option(name: [.customShort("o"), .customLong("out")], help: "Folder for results.")
    var folder = "evaluation"

    @Flag(help: "Few and short inputs: a few minutes, with wide intervals.")
    var quick = false

    @Option(help: "Same seed, same numbers.")
    var seed: UInt64 = 1

    @Option(help: "Plain text to cut inputs from; made-up prose if absent.")
    var text: String?

    @Option(
        name: .customLong("policy"),
        help: """
            A policy, such as h2o, keyformer:noise=none,recent=0.1,sinks=4 or \
            keyformer:choose_per=layer,neighbourhood=3,storage=q8; may be given often. All that evict if absent.
            """)
    var policies: [String] = []

    @Option(help: "The policy that the others are measured against; what does not beat it is marked.")
    var against = "random"

    @Option(help: "Percents of the full cache's bytes, separated by commas.")
    var budgets: String?

    @Option(help: "prose, recall, gather, or single suites such as recall-hot-hidden, separated by commas.")
    var suites: String?

    @Option(
        help: "Tokens of each text before its question: 1536, with --quick 512, or what the model's context allows.")
    var context: Int?

    @Option(help: "Tokens that the prose suite feeds after the prompt.")
    var continuation: Int?

    @Option(help: "Texts of every suite.")
    var texts: Int?

    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions

    func run() throws {
        var evaluation = ModelEvaluation(folder: folder)
        evaluation.isQuick = quick
        evaluation.seed = seed
        evaluation.textPath = text
        evaluation.policies = policies
        evaluation.baseline = against
        evaluation.budgets = budgets
        evaluation.suites = suites
        evaluation.contextTokens = context
        evaluation.continuationTokens = continuation
        evaluation.texts = texts
        StandardOutput.write(try evaluation.run(try file.configuration(model.given)))
    }
}
