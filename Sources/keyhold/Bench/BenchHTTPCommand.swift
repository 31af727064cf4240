internal import ArgumentParser
internal import Benchmarking

/// `keyhold bench http`.
struct BenchHTTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "How many /health requests and one-token completions a server answers per second.")

    @Option(help: "The server, http://HOST:PORT.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Numbers of connections, separated by commas; each has one request at a time.")
    var connections = "1,4"

    @Option(help: "Seconds of each measurement.")
    var seconds = 2.0

    @Option(help: "How often each figure is measured.")
    var repetitions = 3

    @OptionGroup var report: BenchReportOptions

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds is \(seconds) but must be above 0 and at most 3600.")
        }
        guard (1...1000).contains(repetitions) else {
            throw ValidationError("--repetitions is \(repetitions) but must be from 1 to 1000.")
        }
    }

    func run() throws {
        var benchmark = RequestRateBenchmark(
            target: try HTTPTarget(parsing: url),
            connections: try NumberList.integers(connections, option: "--connections", in: 1...1024))
        benchmark.seconds = seconds
        benchmark.repetitions = repetitions
        try report.publish(
            try benchmark.run(product: BenchReportOptions.product, command: BenchReportOptions.command))
    }
}
