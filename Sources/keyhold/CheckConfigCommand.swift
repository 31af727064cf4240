internal import ArgumentParser
internal import ServerApp

/// `keyhold check-config`: whether a server would take these settings.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check the settings of serve, with the files they name, and say what is wrong with them.",
        discussion: "Takes the options of serve; nothing is loaded and nothing listens.")

    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "HTTP and scheduling") var server: ServerOptions
    @OptionGroup(title: "Operation") var operation: OperationOptions
    @OptionGroup(title: "KV cache") var cache: CacheOptions

    func run() throws {
        let configuration = try file.configuration(model.given + server.given + operation.given + cache.given)
        for warning in try configuration.checkedFiles() { StandardError.write("warning: \(warning)\n") }
        StandardOutput.write("configuration is valid\n")
    }
}
