internal import Foundation
internal import JSON

/// Load on a server as rows: latencies, throughput, goodput and failures.
public struct LoadBenchmark: Sendable {
    public var settings: LoadSettings

    public init(_ settings: LoadSettings) { self.settings = settings }

    /// Sends all requests and waits for the answers.
    public func run(product: String, command: [String]) throws(BenchmarkError) -> BenchmarkReport {
        let outcome = try LoadGenerator(settings: settings).run()
        return BenchmarkReport(
            product: product, command: command, date: Date(), machine: Machine.current(), limits: nil,
            model: JSONObject(), rows: rows(outcome))
    }

    /// The figures of one run.
    func rows(_ outcome: LoadGenerator.Outcome) -> [BenchmarkRow] {
        let good = outcome.samples.filter(\.isGood)
        let failures = outcome.samples.filter { !$0.isGood }
        let tokens = good.reduce(0) { $0 + $1.tokenCount }
        func single(_ name: String, _ unit: String, _ value: Double) -> BenchmarkRow {
            BenchmarkRow(name: name, parameters: conditions, unit: unit, summary: Summary([value]))
        }
        func latencies(_ name: String, _ values: [Double]) -> [BenchmarkRow] {
            guard !values.isEmpty else { return [] }
            var row = BenchmarkRow(name: name, parameters: conditions, unit: "s", summary: Summary(values))
            row.details = [
                ("p90", .real(row.summary.percentile(0.9))), ("p99", .real(row.summary.percentile(0.99))),
            ]
            return [row]
        }
        var failed = single("failures", "requests", Double(failures.count))
        if let first = failures.first { failed.details = [("first", .string(first.failure ?? "no end"))] }
        return latencies("time to first token", good.compactMap(\.timeToFirstToken))
            + latencies("inter-token latency", good.flatMap(\.gaps))
            + latencies("time per output token", good.compactMap(\.timePerToken))
            + latencies("end to end", good.compactMap(\.wholeTime)) + [
                single("new tokens", "tokens/s", Double(tokens) / outcome.seconds),
                single("requests", "requests/s", Double(good.count) / outcome.seconds),
                single("goodput", "requests/s", Double(good.count(where: isWithinObjective)) / outcome.seconds), failed,
            ]
    }

    private func isWithinObjective(_ sample: RequestSample) -> Bool {
        guard let first = sample.timeToFirstToken, let perToken = sample.timePerToken else { return false }
        return first <= settings.objective.ttftSeconds && perToken <= settings.objective.tpotSeconds
    }

    private var conditions: [(name: String, value: JSONValue)] {
        let arrivals: [(name: String, value: JSONValue)] =
            switch settings.arrivals {
            case .closed(let concurrency): [("concurrency", .integer(concurrency))]
            case .poisson(let rate, _): [("rate", .real(rate))]
            }
        return arrivals + [("prompt", .integer(settings.promptTokens)), ("new", .integer(settings.newTokens))]
    }
}
