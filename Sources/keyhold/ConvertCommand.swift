internal import ArgumentParser
internal import ServerApp

/// `keyhold convert`: a Hugging Face folder as GGUF.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a Hugging Face folder as one GGUF file.",
        discussion: """
            Weights, metadata, tokenizer and chat template. What the configuration asks for and GGUF cannot say is \
            refused. The file appears when it is whole.
            """)

    @Argument(help: "Folder with config.json, *.safetensors and tokenizer.json.")
    var folder: String

    @Argument(help: "File to write.")
    var output: String

    @Option(help: "Type of the matrices: F16, F32, BF16 or Q8_0.")
    var type = "F16"

    func run() throws {
        guard let type = ModelConversion.WeightType(rawValue: type.uppercased()) else {
            throw ValidationError("--type is \(type) but must be F16, F32, BF16 or Q8_0")
        }
        var conversion = ModelConversion(folder: folder, output: output)
        conversion.type = type
        let bar = ProgressBar()
        defer { bar.end() }
        let report = try conversion.run { bar.show("\(Int($0 * 100)) %") }
        bar.end()
        StandardOutput.write(report + "\n")
    }
}
