internal import ArgumentParser
internal import ServerApp

/// `keyhold completion`.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: "For bash: keyhold completion bash > /usr/share/bash-completion/completions/keyhold")

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw ValidationError("There is no script for '\(shell)'; the shells are bash, zsh and fish.")
        }
        StandardOutput.write(Keyhold.completionScript(for: shell) + "\n")
    }
}

/// `keyhold man`.
struct ManCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man", abstract: "Print the manual page; keyhold man | man -l - shows it.")

    func run() throws {
        StandardOutput.write(try ManualPage(dump: Keyhold._dumpHelp()).text)
    }
}
