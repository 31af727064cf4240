internal import ArgumentParser
internal import Benchmarking

/// `keyhold bench load`.
struct BenchLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Put load on a server with the OpenAI API and report latencies, throughput and cache bytes.",
        discussion: """
            With --concurrency that many clients send a new request when they have an answer (closed loop). With \
            --rate requests come at random times (Poisson), and with --trace at those of a trace, whether or not \
            answers have come (open loop). All waiting counts from the intended time, so a server that is behind \
            cannot slow its own measurement down.
            """)

    @Option(help: "The server, http://HOST:PORT.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Clients of a closed loop.")
    var concurrency: Int?

    @Option(help: "Requests per second of an open loop.")
    var rate: Double?

    @OptionGroup(title: "Replay of a trace") var replay: BenchTraceOptions

    @Option(help: "Requests in all, 32 if neither this nor --duration nor --trace is given.")
    var requests: Int?

    @Option(help: "Seconds during which requests are sent, instead of a number of requests.")
    var duration: Double?

    @Option(name: .customLong("prompt-tokens"), help: "Tokens of each prompt.")
    var promptTokens = 512

    @Option(name: .customLong("new-tokens"), help: "Tokens of each answer.")
    var newTokens = 128

    @Option(name: .customLong("vocabulary"), help: "Prompts are made of token ids below this.")
    var vocabulary = 256

    @Option(
        name: .customLong("kv-cache"),
        help: ArgumentHelp(
            "The requests' kv_cache object, or none; several mix them, each drawn with its weight.",
            valueName: "[WEIGHT:]JSON"))
    var kvCache: [String] = []

    @Option(name: .customLong("api-key"), help: "Sent with every request; the report leaves it out.")
    var apiKey: String?

    @Option(help: "Same seed, same prompts, same budgets and same times of an open loop.")
    var seed: UInt64 = 1

    @Option(help: "Seconds after which a request without a whole answer has failed.")
    var timeout = 600.0

    @Option(name: .customLong("metrics-url"), help: "Where /metrics is read; the server itself if absent.")
    var metricsURL: String?

    @OptionGroup(title: "Goodput") var objective: BenchObjectiveOptions

    @OptionGroup var report: BenchReportOptions

    func validate() throws {
        let given = [concurrency != nil, rate != nil, replay.trace != nil].count { $0 }
        guard given == 1 else {
            throw ValidationError("Give one of --concurrency for a closed loop, --rate or --trace for an open one.")
        }
        guard (1...10_000).contains(concurrency ?? 1) else {
            throw ValidationError("--concurrency is \(concurrency ?? 0) but must be from 1 to 10000.")
        }
        if requests != nil, duration != nil { throw ValidationError("Give either --requests or --duration.") }
        for (name, value) in [("--rate", rate), ("--duration", duration), ("--timeout", timeout)] {
            if let value, !(value > 0 && value <= 1_000_000) {
                throw ValidationError("\(name) is \(value) but must be above 0 and at most 1000000.")
            }
        }
        for (name, value) in [
            ("--requests", requests ?? 1), ("--prompt-tokens", promptTokens), ("--new-tokens", newTokens),
            ("--vocabulary", vocabulary),
        ] where !(1...10_000_000).contains(value) {
            throw ValidationError("\(name) is \(value) but must be from 1 to 10000000.")
        }
    }

    func run() throws {
        var settings = try self.settings(HTTPTarget(parsing: url))
        if let duration { settings.limit(toSeconds: duration) }
        settings.vocabularySize = vocabulary
        settings.seed = seed
        settings.timeout = timeout
        settings.apiKey = apiKey
        settings.metrics = try metricsURL.map { url in try HTTPTarget(parsing: url) } ?? settings.target
        settings.budgets = try BudgetMix(parsing: kvCache)
        settings.objective = objective.objective
        try report.publish(
            try LoadBenchmark(settings).run(
                product: BenchReportOptions.product,
                command: BenchReportOptions.command.map { $0 == apiKey ? "***" : $0 }))
    }

    private func settings(_ target: HTTPTarget) throws -> LoadSettings {
        if let trace = try replay.loaded(requests: requests) { return LoadSettings(target: target, replaying: trace) }
        let arrivals: ArrivalSchedule =
            if let rate { .poisson(rate: rate, seed: seed) } else { .closed(concurrency: concurrency ?? 1) }
        return LoadSettings(
            target: target, arrivals: arrivals, requests: requests ?? 32, promptTokens: promptTokens,
            newTokens: newTokens)
    }
}
