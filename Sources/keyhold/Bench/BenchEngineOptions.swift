internal import ArgumentParser
internal import Benchmarking
internal import ServerApp

/// Model, threads and effort of a benchmark that computes in this process.
struct BenchEngineOptions: ParsableArguments {
    @Option(
        name: [.customShort("m"), .long], help: "GGUF file or Hugging Face folder; `keyhold bench model` makes one.")
    var model: String

    @Option(name: [.customShort("t"), .long], help: "Threads that compute; one per core if absent.")
    var threads: Int?

    @Option(help: "How often each figure is measured.")
    var repetitions = 5

    @Option(name: .customLong("rows-per-step"), help: "Prompt rows that pass a layer together.")
    var rowsPerStep = 256

    @Flag(
        name: .customLong("fill"),
        help: "Fill caches with random entries instead of computing prompts: steps of the same cost, at once.")
    var fillsAtRandom = false

    @Option(help: "How caches store keys and values: f16, f32, bf16, q8 or q4.")
    var storage = "f16"

    @Flag(help: "One short repetition and rough limits: to try a command, not for figures.")
    var quick = false

    @OptionGroup var report: BenchReportOptions

    func validate() throws {
        guard (1...512).contains(threads ?? 1) else {
            throw ValidationError("--threads is \(threads ?? 0) but must be from 1 to 512.")
        }
        guard (1...1000).contains(repetitions) else {
            throw ValidationError("--repetitions is \(repetitions) but must be from 1 to 1000.")
        }
        guard (1...65536).contains(rowsPerStep) else {
            throw ValidationError("--rows-per-step is \(rowsPerStep) but must be from 1 to 65536.")
        }
    }

    var settings: BenchmarkSettings {
        var settings = BenchmarkSettings(
            modelPath: model, product: BenchReportOptions.product, command: BenchReportOptions.command,
            repetitions: repetitions)
        settings.threads = threads
        settings.rowsPerStep = rowsPerStep
        settings.fillsAtRandom = fillsAtRandom
        settings.storage = storage
        settings.isQuick = quick
        return settings
    }

    /// Measures, prints and writes. Progress is shown on a terminal.
    func run(_ benchmark: EngineBenchmark) throws {
        let progress = ProgressBar()
        let result = try benchmark.run(settings) { progress.show($0) }
        progress.end()
        try report.publish(result)
    }

    /// Steps must be countable and end.
    static func checkSteps(_ steps: Int) throws {
        guard (1...100_000).contains(steps) else {
            throw ValidationError("--steps is \(steps) but must be from 1 to 100000.")
        }
    }
}
