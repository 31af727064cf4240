internal import ArgumentParser
internal import Benchmarking
internal import ServerApp

/// `keyhold bench capacity`.
struct BenchCapacityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capacity",
        abstract: "How many sequences of which budget this machine serves, and how many machines a trace needs.",
        discussion: """
            Steps are measured and costs fitted to them; then the server's scheduler runs in simulated time. \
            --machines 1 predicts what `bench load` with the same trace will measure.
            """)

    @Option(help: "Size of a machine's KV pool.")
    var pool = "1GiB"

    @Option(help: "Percents of the prompt, separated by commas; 100 is a full cache.")
    var budgets = "100,50,25"

    @Option(help: "Eviction policy below 100 percent.")
    var policy = "keyformer"

    @Option(name: .customLong("prompt-tokens"), help: "Prompt of the sequences that are counted out.")
    var promptTokens = 3840

    @Option(name: .customLong("new-tokens"), help: "Their answers.")
    var newTokens = 256

    @Option(name: .customLong("max-sequences"), help: "Sequences that run at the same time on a machine.")
    var maxSequences = 64

    @Option(name: .customLong("max-queue"), help: "Sequences that wait on a machine.")
    var maxQueue = 256

    @OptionGroup(title: "Trace") var replay: BenchTraceOptions

    @Option(help: "Share of the trace's requests that must be good.")
    var target = 0.99

    @Option(help: "Numbers of machines to simulate, separated by commas; the smallest that do if absent.")
    var machines: String?

    @Option(help: "JSON report of an earlier run, whose costs are taken instead of measuring.")
    var costs: String?

    @OptionGroup(title: "What is good") var objective: BenchObjectiveOptions

    @OptionGroup var engine: BenchEngineOptions

    func validate() throws {
        for (name, value) in [
            ("--prompt-tokens", promptTokens), ("--new-tokens", newTokens), ("--max-sequences", maxSequences),
        ] where !(1...65_536).contains(value) {
            throw ValidationError("\(name) is \(value) but must be from 1 to 65536.")
        }
        guard (0...1_048_576).contains(maxQueue) else {
            throw ValidationError("--max-queue is \(maxQueue) but must be from 0 to 1048576.")
        }
        guard target > 0, target <= 1 else {
            throw ValidationError("--target is \(target) but must be above 0 and at most 1.")
        }
    }

    func run() throws {
        guard let bytes = ConfigurationText.bytes(pool), bytes > 0 else {
            throw ValidationError("--pool is '\(pool)' but must be a size such as 512MiB.")
        }
        var capacity = CapacitySettings(poolBytes: bytes)
        capacity.budgets = try NumberList.percents(budgets, option: "--budgets")
        capacity.policy = policy
        (capacity.promptTokens, capacity.newTokens) = (promptTokens, newTokens)
        (capacity.maxSequences, capacity.maxQueue) = (maxSequences, maxQueue)
        capacity.trace = try replay.loaded(requests: nil)
        capacity.target = target
        capacity.costsPath = costs
        capacity.objective = objective.objective
        if let machines {
            capacity.machines = try NumberList.integers(machines, option: "--machines", in: 1...4096)
        }
        let progress = ProgressBar()
        let result = try CapacityBenchmark(engine.settings, capacity).run { progress.show($0) }
        progress.end()
        try engine.report.publish(result)
    }
}
