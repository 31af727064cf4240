internal import ArgumentParser
internal import ServerApp

/// `keyhold generate`: one prompt from the shell.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Continue one prompt and print the text as it comes.",
        discussion: "The --kv-* options set the cache of the run; --verbose prints what it held.")

    @Argument(help: "The prompt; - reads standard input.")
    var prompt: String

    @Flag(help: "Take the prompt as a user's message and answer it in the model's chat format.")
    var chat = false

    @Option(name: [.customShort("n"), .customLong("max-tokens")], help: "Most tokens to generate.")
    var maxTokens = 128

    @Option(help: "0 is greedy.")
    var temperature: Double = 0

    @Option(name: .customLong("top-p"), help: "Nucleus sampling: share of the probability to keep.")
    var topP: Double?

    @Option(name: .customLong("top-k"), help: "Keep the k most probable tokens.")
    var topK: Int?

    @Option(name: .customLong("min-p"), help: "Drop tokens below this share of the best one's probability.")
    var minP: Double?

    @Option(name: .customLong("repetition-penalty"), help: "Above 1 discourages tokens that occurred.")
    var repetitionPenalty: Double?

    @Option(help: "Same seed, same text.")
    var seed: Int?

    @Option(help: "Text that ends the output; may be given up to four times.")
    var stop: [String] = []

    @Flag(name: [.short, .long], help: "Print usage to standard error at the end.")
    var verbose = false

    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "KV cache") var cache: CacheOptions

    func run() throws {
        let configuration = try file.configuration(model.given + cache.given)
        var generation = LocalGeneration(prompt: prompt == "-" ? Self.standardInput() : prompt)
        generation.isChat = chat
        generation.maxTokens = maxTokens
        generation.temperature = temperature
        generation.topP = topP
        generation.topK = topK
        generation.minP = minP
        generation.repetitionPenalty = repetitionPenalty
        generation.seed = seed
        generation.stop = stop
        let outcome = try generation.run(configuration) { StandardOutput.write($0) }
        StandardOutput.write("\n")
        if verbose { StandardError.write(outcome.report) }
        if let failure = outcome.failure { throw ValidationError(failure) }
    }

    private static func standardInput() -> String {
        var lines: [String] = []
        while let line = readLine(strippingNewline: false) { lines.append(line) }
        return lines.joined()
    }
}
