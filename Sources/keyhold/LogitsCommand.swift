internal import ArgumentParser
internal import ServerApp

/// `keyhold logits`: raw logits of token ids.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Print the logits that follow each of some token ids, one line of JSON for each.",
        discussion: "For comparing implementations; no tokenizer is needed. --kv-storage f32 keeps the cache exact.")

    @Option(help: "Token ids with commas between them.")
    var ids: String

    @Option(name: .customLong("prompt-tokens"), help: "Ids that run as the prompt; the others follow one by one.")
    var promptTokens: Int?

    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "KV cache") var cache: CacheOptions

    func run() throws {
        let numbers = ids.split(separator: ",").map { Int($0) }
        guard !numbers.isEmpty, !numbers.contains(nil) else {
            throw ValidationError("--ids takes whole numbers with commas between them, not \(ids)")
        }
        var logits = ModelLogits(ids: numbers.compactMap { $0 })
        logits.promptTokens = promptTokens
        try logits.run(try file.configuration(model.given + cache.given)) { StandardOutput.write($0) }
    }
}
