internal import ArgumentParser
internal import ServerApp

/// `keyhold key`: API keys and their hashes.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make API keys.", subcommands: [New.self, Hash.self])

    /// `keyhold key new`: a fresh key.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Print a fresh random key, and the configuration entry with its hash.",
            discussion: "The key is printed once and stored nowhere. The entry belongs under api_keys.")

        @Argument(help: "How logs and metrics call the key: letters, digits and -_.")
        var name: String

        func run() throws { StandardOutput.write(try KeyIssue.fresh(name: name)) }
    }

    /// `keyhold key hash`: the entry of a key that exists.
    struct Hash: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hash", abstract: "Read a key from standard input and print its configuration entry.")

        @Argument(help: "How logs and metrics call the key: letters, digits and -_.")
        var name: String

        func run() throws { StandardOutput.write(try KeyIssue.entry(name: name, key: readLine() ?? "")) }
    }
}
