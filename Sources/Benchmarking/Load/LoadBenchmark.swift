internal import Foundation
internal import JSON

/// Load on a server as rows: latencies, throughput, goodput, bytes of KV cache and failures.
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

    /// The figures of one run: of all requests, and where they carry several budgets, of those with each.
    func rows(_ outcome: LoadGenerator.Outcome) -> [BenchmarkRow] {
        let seconds = max(outcome.seconds, .leastNormalMagnitude)
        var rows = figures(outcome.samples, seconds, conditions)
        rows += own(outcome)
        guard settings.budgets.choices.count > 1 else { return rows }
        for (index, choice) in settings.budgets.choices.enumerated() {
            rows += figures(
                outcome.samples.filter { $0.budget == index }, seconds,
                conditions + [("kv_cache", .string(choice.name))])
        }
        return rows
    }

    private typealias Conditions = [(name: String, value: JSONValue)]

    private func figures(_ samples: [RequestSample], _ seconds: Double, _ conditions: Conditions) -> [BenchmarkRow] {
        let good = samples.filter(\.isGood)
        let tokens = good.reduce(0) { $0 + $1.tokenCount }
        let met = samples.count { $0.meets(settings.objective) }
        func single(_ name: String, _ unit: String, _ value: Double) -> BenchmarkRow {
            BenchmarkRow(name: name, parameters: conditions, unit: unit, summary: Summary([value]))
        }
        var goodput = single("goodput", "requests/s", Double(met) / seconds)
        if !samples.isEmpty { goodput.details = [("share", .real(Double(met) / Double(samples.count)))] }
        let byteSeconds = samples.compactMap(\.cacheByteSeconds)
        var held = single("KV bytes held", "bytes", byteSeconds.reduce(0, +) / seconds)
        held.details = [("byte_seconds", .real(byteSeconds.reduce(0, +)))]
        return latencies("time to first token", "s", good.compactMap(\.timeToFirstToken), conditions)
            + latencies("inter-token latency", "s", good.flatMap(\.gaps), conditions)
            + latencies("time per output token", "s", good.compactMap(\.timePerToken), conditions)
            + latencies("end to end", "s", good.compactMap(\.wholeTime), conditions)
            + [
                single("new tokens", "tokens/s", Double(tokens) / seconds),
                single("requests", "requests/s", Double(good.count) / seconds), goodput,
            ]
            + latencies(
                "KV peak of a request", "bytes", samples.compactMap(\.cachePeakBytes).map(Double.init), conditions)
            + (byteSeconds.isEmpty ? [] : [held]) + [failures(samples, conditions)]
    }

    /// What the server's metrics and the generator's own clock say.
    private func own(_ outcome: LoadGenerator.Outcome) -> [BenchmarkRow] {
        let late = outcome.samples.compactMap { sample in sample.sent.map { $0 - sample.scheduled } }
        return latencies("sequences running", "sequences", outcome.gauges.compactMap(\.running), conditions)
            + latencies("sequences waiting", "sequences", outcome.gauges.compactMap(\.waiting), conditions)
            + latencies("KV pool reserved", "bytes", outcome.gauges.compactMap(\.reservedBytes), conditions)
            + latencies("KV pool used", "bytes", outcome.gauges.compactMap(\.usedBytes), conditions)
            + latencies("sent after its time", "s", late, conditions)
    }

    private func latencies(
        _ name: String, _ unit: String, _ values: [Double], _ conditions: Conditions
    ) -> [BenchmarkRow] {
        guard !values.isEmpty else { return [] }
        var row = BenchmarkRow(name: name, parameters: conditions, unit: unit, summary: Summary(values))
        row.details = [
            ("p90", .real(row.summary.percentile(0.9))), ("p95", .real(row.summary.percentile(0.95))),
            ("p99", .real(row.summary.percentile(0.99))),
        ]
        return [row]
    }

    /// How many requests failed, the first reason, and how many for each kind of reason.
    private func failures(_ samples: [RequestSample], _ conditions: Conditions) -> BenchmarkRow {
        let failed = samples.filter { !$0.isGood }
        var row = BenchmarkRow(
            name: "failures", parameters: conditions, unit: "requests", summary: Summary([Double(failed.count)]))
        guard let first = failed.first else { return row }
        var kinds: [String: Int] = [:]
        for sample in failed { kinds[sample.failure?.kind ?? "no end", default: 0] += 1 }
        row.details = [("first", .string(first.failure?.text ?? "no end"))]
        row.details += kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, .integer($0.value)) }
        return row
    }

    private var conditions: Conditions {
        let arrivals: Conditions =
            switch settings.arrivals {
            case .closed(let concurrency): [("concurrency", .integer(concurrency))]
            case .poisson(let rate, _): [("rate", .real(rate))]
            case .planned: [("trace", .integer(settings.requests))]
            }
        guard !settings.isReplay else { return arrivals }
        return arrivals + [("prompt", .integer(settings.promptTokens)), ("new", .integer(settings.newTokens))]
    }
}
