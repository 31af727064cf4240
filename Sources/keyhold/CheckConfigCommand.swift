internal import ArgumentParser
internal import ServerApp

/// `keyhold check-config`.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check a configuration file and the environment as serve would read them, and print the result.")

    @OptionGroup var file: ConfigurationOptions

    @Flag(help: "Print nothing where all is well.")
    var quiet = false

    func run() throws {
        let configuration = try file.configuration([])
        if !quiet { StandardOutput.write(configuration.printed) }
    }
}
