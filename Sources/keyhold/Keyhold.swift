internal import ArgumentParser
internal import ServerApp

/// The command line: each command parses its options and calls `ServerApp`.
@main
struct Keyhold: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyhold",
        abstract: "Serves language models on CPUs with a KV-cache budget for every request.",
        version: ProductVersion.text,
        subcommands: [
            ServeCommand.self, CheckConfigCommand.self, KeyCommand.self, TopCommand.self,
            GenerateCommand.self, InspectCommand.self, ConvertCommand.self, QuantizeCommand.self,
            DownloadCommand.self, TokenizeCommand.self, DetokenizeCommand.self, RenderCommand.self,
            LogitsCommand.self, EvaluateCommand.self, BenchCommand.self, CheckConfigCommand.self,
            HealthcheckCommand.self, CompletionCommand.self, ManCommand.self,
        ])
}
