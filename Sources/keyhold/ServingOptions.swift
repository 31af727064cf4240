internal import ArgumentParser
internal import ServerApp

/// All settings of a server.
struct ServingOptions: ParsableArguments {
    @OptionGroup var file: ConfigurationOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "HTTP and scheduling") var server: ServerOptions
    @OptionGroup(title: "Operation") var operation: OperationOptions
    @OptionGroup(title: "KV cache") var cache: CacheOptions
    @OptionGroup(title: "Sessions") var sessions: SessionOptions

    /// File, then environment, then options, all checked.
    func configuration() throws -> ServerConfiguration {
        try file.configuration(model.given + server.given + operation.given + cache.given + sessions.given)
    }

    /// Says whether a server would take the settings, with the files they name.
    func check() throws {
        for warning in try configuration().checkedFiles() { StandardError.write("warning: \(warning)\n") }
        StandardOutput.write("configuration is valid\n")
    }
}
