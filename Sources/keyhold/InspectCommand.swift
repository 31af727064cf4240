internal import ArgumentParser
internal import ServerApp

/// `keyhold inspect`: what a model is and what its KV caches cost.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print a model's shape, weights, tokenizer and KV-cache costs, or what is broken in it.")

    @Argument(help: "GGUF file or Hugging Face folder; the built-in model if absent.")
    var path: String?

    @Option(name: [.customShort("m"), .long], help: "The same, as the other commands take it.")
    var model: String?

    @Option(help: "Size of the KV pool to divide.")
    var pool = "1GiB"

    @Option(name: .customLong("budget-tokens"), help: "Budget in tokens per layer.")
    var budgetTokens: Int?

    @Option(name: .customLong("budget-ratio"), help: "Budget as a share of the prompt, 0 to 1.")
    var budgetRatio: String?

    @Option(help: "Tokens of prompt and answer of a sequence; the model's context, at most 4096, if absent.")
    var context: Int?

    @Option(help: "How the cache stores keys and values: f16, f32, bf16, q8 or q4.")
    var storage = "f16"

    @Flag(help: "Print the facts as a JSON object.")
    var json = false

    func validate() throws {
        guard path == nil || model == nil else {
            throw ValidationError("The model is named twice: \(path ?? "") and --model \(model ?? "").")
        }
    }

    func run() throws {
        let inspection = Inspection(
            pool: pool, budgetTokens: budgetTokens, budgetRatio: budgetRatio, contextTokens: context, storage: storage)
        let outcome = try inspection.outcome(path: path ?? model)
        StandardOutput.write(json ? outcome.json : outcome.text)
        if let fault = outcome.fault {
            StandardError.write("Error: \(fault)\n")
            throw ExitCode.failure
        }
    }
}
