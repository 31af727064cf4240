internal import ArgumentParser
internal import Benchmarking
internal import ServerApp

/// Where a benchmark's report goes.
struct BenchReportOptions: ParsableArguments {
    @Option(help: "File for the results as JSON.")
    var json: String?

    /// What the report says about the program that wrote it.
    static var product: String { ProductVersion.text }

    /// The command line, with the program by its name alone.
    static var command: [String] { ["keyhold"] + CommandLine.arguments.dropFirst() }

    /// Prints the table and writes the file.
    func publish(_ report: BenchmarkReport) throws {
        if let json { try report.write(to: json) }
        StandardOutput.write(report.table)
    }
}
