internal import ArgumentParser
internal import Benchmarking
internal import ServerApp

/// `keyhold healthcheck`: for containers, which have no curl.
struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask a running server whether it is well; ends with 0 if it is.",
        discussion: "Without --url, the address comes from --config and KEYHOLD_* variables, as for serve.")

    @Option(help: "The server, http://HOST:PORT.")
    var url: String?

    @Option(help: "What is asked: /ready, /health or /live.")
    var path = "/ready"

    @Option(help: "Seconds within which it must answer.")
    var timeout = 5.0

    @OptionGroup var file: ConfigurationOptions

    func validate() throws {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw ValidationError("--path is '\(path)' but must be a path such as /ready.")
        }
        guard timeout > 0, timeout <= 600 else {
            throw ValidationError("--timeout is \(timeout) but must be above 0 and at most 600.")
        }
    }

    func run() throws {
        let target = try target()
        let status = try HTTPProbe.status(of: path, at: target, seconds: timeout)
        guard status == 200 else {
            throw BenchmarkError.badAnswer(url: target.description + path, reason: "status \(status)")
        }
        StandardOutput.write("ok\n")
    }

    private func target() throws -> HTTPTarget {
        if let url { return try HTTPTarget(parsing: url) }
        let front = try file.configuration([]).front
        guard !front.host.hasPrefix("unix:") else {
            throw ValidationError("The server listens on \(front.host); name an address with --url.")
        }
        // A server that listens on all addresses is reached on the loopback one.
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][front.host] ?? front.host
        return HTTPTarget(host: host, port: front.port)
    }
}
