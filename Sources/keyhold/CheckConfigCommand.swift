internal import ArgumentParser

/// `keyhold check-config`: whether a server would take these settings.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check the settings of serve, with the files they name, and say what is wrong with them.",
        discussion: "Takes the options of serve; nothing is loaded and nothing listens.")

    @OptionGroup var options: ServingOptions

    func run() throws { try options.check() }
}
