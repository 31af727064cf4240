internal import ArgumentParser
internal import Benchmarking

/// `keyhold bench load`.
struct BenchLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Put load on a server with the OpenAI API and report latencies and throughput.",
        discussion: """
            With --concurrency that many clients send a new request when they have an answer (closed loop). With \
            --rate requests come at random times, whether or not answers have come (open loop, Poisson), and all \
            waiting counts.
            """)

    @Option(help: "The server, http://HOST:PORT.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Clients of a closed loop.")
    var concurrency: Int?

    @Option(help: "Requests per second of an open loop.")
    var rate: Double?

    @Option(help: "Requests in all.")
    var requests = 32

    @Option(name: .customLong("prompt-tokens"), help: "Tokens of each prompt.")
    var promptTokens = 512

    @Option(name: .customLong("new-tokens"), help: "Tokens of each answer.")
    var newTokens = 128

    @Option(name: .customLong("vocabulary"), help: "Prompts are made of token ids below this.")
    var vocabulary = 256

    @Option(name: .customLong("kv-cache"), help: "The kv_cache object of every request, as JSON.")
    var kvCache: String?

    @Option(help: "Same seed, same prompts and same times of an open loop.")
    var seed: UInt64 = 1

    @Option(name: .customLong("slo-ttft"), help: "Seconds within which a good answer's first token comes.")
    var ttft = 2.0

    @Option(name: .customLong("slo-tpot"), help: "Most seconds per further token of a good answer, on average.")
    var tpot = 0.2

    @OptionGroup var report: BenchReportOptions

    func validate() throws {
        guard (concurrency == nil) != (rate == nil) else {
            throw ValidationError("Give either --concurrency for a closed loop or --rate for an open one.")
        }
        guard (1...10_000).contains(concurrency ?? 1) else {
            throw ValidationError("--concurrency is \(concurrency ?? 0) but must be from 1 to 10000.")
        }
        if let rate, !(rate > 0 && rate <= 1_000_000) {
            throw ValidationError("--rate is \(rate) but must be above 0 and at most 1000000.")
        }
        for (name, value) in [
            ("--requests", requests), ("--prompt-tokens", promptTokens), ("--new-tokens", newTokens),
            ("--vocabulary", vocabulary),
        ] where !(1...10_000_000).contains(value) {
            throw ValidationError("\(name) is \(value) but must be from 1 to 10000000.")
        }
    }

    func run() throws {
        let arrivals: ArrivalSchedule =
            if let rate { .poisson(rate: rate, seed: seed) } else { .closed(concurrency: concurrency ?? 1) }
        var settings = LoadSettings(
            target: try HTTPTarget(parsing: url), arrivals: arrivals, requests: requests,
            promptTokens: promptTokens, newTokens: newTokens)
        settings.vocabularySize = vocabulary
        settings.seed = seed
        settings.objective.ttftSeconds = ttft
        settings.objective.tpotSeconds = tpot
        if let kvCache { try settings.setKVCache(parsing: kvCache) }
        try report.publish(
            try LoadBenchmark(settings).run(
                product: BenchReportOptions.product, command: BenchReportOptions.command))
    }
}
