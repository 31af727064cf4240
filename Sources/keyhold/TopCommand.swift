internal import ArgumentParser
internal import ServerApp

/// `keyhold top`: what a server does now.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what a running server does: pool, rates and requests.",
        discussion: """
            Reads /status, of metrics_listen where that is set, else of the server's own port; a server with API keys \
            wants one with admin: true there, from the environment variable KEYHOLD_API_KEY. Ends with Ctrl-C.
            """)

    @Argument(help: "http://HOST:PORT, https://HOST:PORT or unix:/PATH.")
    var address = "http://127.0.0.1:8080"

    @Option(help: "Seconds between two looks.")
    var interval = 1.0

    @Flag(help: "Print the status once and end.")
    var once = false

    func validate() throws {
        guard interval.isFinite, (0.1...3600).contains(interval) else {
            throw ValidationError("--interval is \(interval) but must be from 0.1 to 3600")
        }
    }

    func run() throws {
        var watch = StatusWatch(address: address)
        watch.key = ProcessEnvironment.variable("KEYHOLD_API_KEY")
        watch.interval = .seconds(interval)
        watch.isOnce = once
        try watch.run { StandardOutput.write($0) }
    }
}
