internal import ArgumentParser
internal import ServerApp

/// `keyhold serve`: the HTTP server.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a model over HTTP.",
        discussion: "Settings come from --config, then KEYHOLD_* variables, then options; the later wins.")

    @OptionGroup var options: ServingOptions

    @Flag(name: .customLong("print-config"), help: "Print the settings in force and where each came from, then end.")
    var printsConfiguration = false

    @Flag(name: .customLong("check-config"), help: "Check the settings, then end.")
    var checksConfiguration = false

    func run() throws {
        if printsConfiguration {
            StandardOutput.write(try options.configuration().printed)
        } else if checksConfiguration {
            try options.check()
        } else {
            try ServerProcess.run(try options.configuration())
        }
    }
}
