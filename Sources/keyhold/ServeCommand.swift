internal import ArgumentParser
internal import ServerApp

/// `keyhold serve`: the HTTP server.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a model over HTTP.",
        discussion: "Settings come from --config, then KEYHOLD_* variables, then options; the later wins.")

    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "HTTP and scheduling") var server: ServerOptions
    @OptionGroup(title: "Operation") var operation: OperationOptions
    @OptionGroup(title: "KV cache") var cache: CacheOptions
    @OptionGroup(title: "Sessions") var sessions: SessionOptions

    @Flag(name: .customLong("print-config"), help: "Print the settings in force and where each came from, then end.")
    var printsConfiguration = false

    @Flag(name: .customLong("check-config"), help: "Check the settings, then end.")
    var checksConfiguration = false

    func run() throws {
        let configuration = try file.configuration(
            model.given + server.given + operation.given + cache.given + sessions.given)
        if printsConfiguration {
            StandardOutput.write(configuration.printed)
        } else if checksConfiguration {
            for warning in try configuration.checkedFiles() { StandardError.write("warning: \(warning)\n") }
            StandardOutput.write("configuration is valid\n")
        } else {
            try ServerProcess.run(configuration)
        }
    }
}
