internal import ArgumentParser
internal import Benchmarking

/// `keyhold bench kernels`.
struct BenchKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Multiply the model's matrices by 1 to 256 rows, and time row-wise kernels.")

    @Flag(help: "Multiply by one large matrix of each quantised type, in turns with Q8_0, instead of the model's.")
    var types = false

    @OptionGroup var engine: BenchEngineOptions

    func run() throws { try engine.run(types ? .weightTypes : .kernels) }
}

/// `keyhold bench prefill`.
struct BenchPrefillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prefill", abstract: "Prompt tokens per second of prompts of given lengths.")

    @Option(help: "Lengths of prompts, separated by commas.")
    var tokens = "512"

    @OptionGroup var engine: BenchEngineOptions

    func run() throws {
        try engine.run(.prefill(tokens: try NumberList.integers(tokens, option: "--tokens", in: 1...1 << 20)))
    }
}

/// `keyhold bench decode`.
struct BenchDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode", abstract: "New tokens per second of one sequence, behind prompts of given depths.")

    @Option(help: "Tokens of the prompt before the steps, separated by commas; 0 is an empty cache.")
    var depth = "0"

    @Option(help: "Steps that are timed.")
    var steps = 64

    @OptionGroup var engine: BenchEngineOptions

    func validate() throws { try BenchEngineOptions.checkSteps(steps) }

    func run() throws {
        let depths = try NumberList.integers(depth, option: "--depth", in: 0...1 << 20)
        try engine.run(.decode(depths: depths, steps: steps))
    }
}

/// `keyhold bench batch`.
struct BenchBatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch", abstract: "New tokens per second of several sequences together.")

    @Option(help: "Numbers of sequences, separated by commas.")
    var sizes = "1,8,16"

    @Option(help: "Tokens of each prompt before the steps.")
    var depth = 128

    @Option(help: "Steps that are timed.")
    var steps = 64

    @OptionGroup var engine: BenchEngineOptions

    func validate() throws {
        try BenchEngineOptions.checkSteps(steps)
        guard (0...1 << 20).contains(depth) else { throw ValidationError("--depth is \(depth) but must be from 0 on.") }
    }

    func run() throws {
        let sizes = try NumberList.integers(sizes, option: "--sizes", in: 1...1024)
        try engine.run(.batch(sizes: sizes, depth: depth, steps: steps))
    }
}

/// `keyhold bench policy`.
struct BenchPolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "New tokens per second under KV budgets, and the share of the step that is the policy's.",
        discussion: """
            policy_share is the threads' time on scores and evictions; beyond_window is what a step takes beyond that \
            of a sliding window of the same size, which keeps no scores.
            """)

    @Option(help: "Percents of the prompt, separated by commas.")
    var budgets = "100,50,25,12.5"

    @Option(help: "Tokens of each prompt.")
    var depth = 8192

    @Option(help: "Eviction policy.")
    var policy = "keyformer"

    @Option(help: "Sequences at once.")
    var sequences = 1

    @Option(help: "Steps that are timed.")
    var steps = 64

    @OptionGroup var engine: BenchEngineOptions

    func validate() throws {
        try BenchEngineOptions.checkSteps(steps)
        guard (1...1 << 20).contains(depth) else { throw ValidationError("--depth is \(depth) but must be from 1 on.") }
        guard (1...1024).contains(sequences) else {
            throw ValidationError("--sequences is \(sequences) but must be from 1 to 1024.")
        }
    }

    func run() throws {
        try engine.run(
            .policy(
                name: policy, budgets: try NumberList.percents(budgets, option: "--budgets"), depth: depth,
                steps: steps, sequences: sequences))
    }
}
