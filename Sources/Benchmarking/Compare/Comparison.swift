internal import Foundation
internal import JSON

/// Runs the peer and this program in turns on the same file and sets them against each other.
public struct Comparison: Sendable {
    public var settings: BenchmarkSettings
    public var works: [ComparedWork]
    /// Each side is measured this often, in turns.
    public var alternations = 5
    /// Steps of a decode or batch measurement.
    public var steps = 64
    /// The peer's programs, where they are to be run.
    public var peer: PeerTools?
    /// A running server of the peer, used instead of its program.
    public var peerTarget: HTTPTarget?
    /// This program, for its server.
    public var ownProgram =
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    /// Requests per client of a server row.
    public var requestsPerClient = 2
    /// Prompt and new tokens of a server row.
    public var serverTokens = (prompt: 512, new: 128)

    public init(settings: BenchmarkSettings, works: [ComparedWork]) {
        self.settings = settings
        self.works = works
    }

    /// Blocks until the end; `progress` hears what is being done. Throws `BenchmarkError` or what loading throws.
    public func run(progress: @escaping (String) -> Void = { _ in }) throws -> BenchmarkReport {
        let machine = Machine.current()
        let threads = settings.threads ?? machine.cores
        let limits = MachineLimits.measured(machine, threads: threads, effort: settings.effort)
        let facts = try ModelFacts(path: settings.modelPath)
        var rows: [BenchmarkRow] = []
        for work in works where !work.needsServer {
            rows += try compare(work, facts, threads, limits, progress)
        }
        if works.contains(where: \.needsServer) { rows += try compareServers(threads, progress) }
        return BenchmarkReport(
            product: settings.product, command: settings.command, date: Date(), machine: machine, limits: limits,
            model: facts.json, rows: rows)
    }

    // MARK: Engines

    private func compare(
        _ work: ComparedWork, _ facts: ModelFacts, _ threads: Int, _ limits: MachineLimits,
        _ progress: @escaping (String) -> Void
    ) throws -> [BenchmarkRow] {
        guard let peer else {
            throw BenchmarkError.missingPeer("\(work) needs --peer-binary; a URL can only compare server and requests")
        }
        var ours: [Double] = []
        var theirs = FlashAttentionRates()
        var last: BenchmarkRow?
        for turn in 0..<alternations {
            progress("\(work), turn \(turn + 1) of \(alternations)")
            func measureOurs() throws {
                let row = try own(work, facts, threads, limits)
                ours.append(row.summary.median)
                last = row
            }
            func measurePeer() throws {
                for flashAttention in theirs.settingsWorthMeasuring {
                    theirs.add(
                        try peer.rate(
                            work, model: settings.modelPath, threads: threads, steps: steps,
                            flashAttention: flashAttention), flashAttention: flashAttention)
                }
            }
            // Each side goes first as often as the other.
            if turn % 2 == 0 { try measureOurs() }
            try measurePeer()
            if turn % 2 == 1 { try measureOurs() }
        }
        var mine = row("keyhold", work, "tokens/s", ours)
        mine.limit = last?.limit
        var peers = row("peer", work, "tokens/s", theirs.better)
        peers.limit = last?.limit
        peers.details = [
            ("flash_attention", .string(theirs.flashAttentionIsBetter ? "on" : "off")),
            ("other_setting", .real(Summary(theirs.worse).median)),
        ]
        return [mine, peers, ratio(work, ours, theirs.better)]
    }

    /// One measurement of ours, in an engine of its own, as the peer's programs have.
    private func own(
        _ work: ComparedWork, _ facts: ModelFacts, _ threads: Int, _ limits: MachineLimits
    ) throws -> BenchmarkRow {
        var settings = settings
        settings.repetitions = 1
        // What the cache holds changes no step's time, and the prompt is a row of its own.
        settings.fillsAtRandom = true
        let sequences = if case .batch(let sequences) = work { sequences } else { 1 }
        let bench = try EngineBench(
            facts: facts, threads: threads, sequences: sequences, rows: settings.rowsPerStep)
        let measure = StepBenchmark(bench: bench, settings: settings, limits: limits) { _ in }
        switch work {
        case .prefill(let tokens): return try measure.prefill(tokens: tokens)
        case .decode(let depth): return try measure.decode(depth: depth, steps: steps, sequences: 1, name: "decode")
        case .batch(let sequences):
            return try measure.decode(
                depth: ComparedWork.batchPromptTokens, steps: steps, sequences: sequences, name: "batch")
        case .server, .requests: preconditionFailure("\(work) is no work of an engine")
        }
    }

    // MARK: Servers

    private func compareServers(_ threads: Int, _ progress: (String) -> Void) throws -> [BenchmarkRow] {
        let seats = works.reduce(1) { most, work in
            switch work {
            case .server(let count), .requests(let count): max(most, count)
            case .prefill, .decode, .batch: most
            }
        }
        let theirs: ServerUnderLoad
        if let peerTarget {
            theirs = try ServerUnderLoad(peerTarget)
        } else if let peer {
            try PeerTools.requireProgram(peer.server)
            let context = seats * (serverTokens.prompt + serverTokens.new + 64)
            theirs = try ServerUnderLoad(program: peer.server) { port in
                [
                    "-m", settings.modelPath, "--host", "127.0.0.1", "--port", "\(port)", "-t", "\(threads)",
                    "-np", "\(seats)", "-c", "\(context)",
                ]
            }
        } else {
            throw BenchmarkError.missingPeer("server rows need --peer-url or --peer-binary")
        }
        let ours = try ServerUnderLoad(program: ownProgram) { port in
            [
                "serve", "--model", settings.modelPath, "--host", "127.0.0.1", "--port", "\(port)", "--threads",
                "\(threads)", "--log-level", "error", "--prefix-sharing", "false",
            ]
        }
        var rows: [BenchmarkRow] = []
        for work in works where work.needsServer {
            rows += try compare(work, ours: ours.target, theirs: theirs.target, progress)
        }
        return rows
    }

    private func compare(
        _ work: ComparedWork, ours: HTTPTarget, theirs: HTTPTarget, _ progress: (String) -> Void
    ) throws -> [BenchmarkRow] {
        var ownFigures: [[Double]] = []
        var peerFigures: [[Double]] = []
        for turn in 0..<alternations {
            progress("\(work), turn \(turn + 1) of \(alternations)")
            if turn % 2 == 0 { ownFigures.append(try figures(work, ours, turn, isPeer: false)) }
            peerFigures.append(try figures(work, theirs, turn, isPeer: true))
            if turn % 2 == 1 { ownFigures.append(try figures(work, ours, turn, isPeer: false)) }
        }
        return quantities(work).enumerated().flatMap { index, quantity in
            let (own, peer) = (ownFigures.map { $0[index] }, peerFigures.map { $0[index] })
            return [
                row("keyhold \(quantity.name)", work, quantity.unit, own),
                row("peer \(quantity.name)", work, quantity.unit, peer),
                ratio(work, own, peer, of: quantity.name),
            ]
        }
    }

    private func quantities(_ work: ComparedWork) -> [(name: String, unit: String)] {
        if case .server = work {
            return [("new tokens", "tokens/s"), ("time to first token p50", "s"), ("inter-token latency p50", "s")]
        }
        return [("rate", "requests/s")]
    }

    /// One measurement of one side, in the order of `quantities`.
    private func figures(
        _ work: ComparedWork, _ target: HTTPTarget, _ turn: Int, isPeer: Bool
    ) throws(BenchmarkError) -> [Double] {
        // Both would keep prompts for later requests: this server is told not to when it starts.
        let extra: [(name: String, value: JSONValue)] = isPeer ? [("cache_prompt", .bool(false))] : []
        switch work {
        case .requests(let connections):
            var benchmark = RequestRateBenchmark(target: target, connections: [connections])
            benchmark.extraFields = extra
            if settings.isQuick { benchmark.seconds = 0.1 }
            return [try benchmark.rate(benchmark.completion, connections: connections)]
        case .server(let concurrency):
            var load = LoadSettings(
                target: target, arrivals: .closed(concurrency: concurrency),
                requests: concurrency * requestsPerClient, promptTokens: serverTokens.prompt,
                newTokens: serverTokens.new)
            load.extraFields = extra
            load.seed = UInt64(turn + 1)
            let outcome = try LoadGenerator(settings: load).run()
            if let failure = outcome.samples.compactMap(\.failure).first {
                throw .badAnswer(url: target.description, reason: failure.text)
            }
            let tokens = outcome.samples.reduce(0) { $0 + $1.tokenCount }
            return [
                Double(tokens) / outcome.seconds, Self.median(outcome.samples.compactMap(\.timeToFirstToken)),
                Self.median(outcome.samples.flatMap(\.gaps)),
            ]
        case .prefill, .decode, .batch: preconditionFailure("\(work) is no work of a server")
        }
    }

    private static func median(_ values: [Double]) -> Double { values.isEmpty ? .nan : Summary(values).median }

    // MARK: Rows

    private func row(_ name: String, _ work: ComparedWork, _ unit: String, _ values: [Double]) -> BenchmarkRow {
        BenchmarkRow(
            name: name, parameters: [("work", .string(work.description))], unit: unit, summary: Summary(values))
    }

    /// Ours over the peer's.
    private func ratio(
        _ work: ComparedWork, _ ours: [Double], _ theirs: [Double], of quantity: String? = nil
    ) -> BenchmarkRow {
        BenchmarkRow(
            name: ["ratio", quantity].compactMap { $0 }.joined(separator: " of "),
            parameters: [("work", .string(work.description))], unit: "×",
            summary: Summary(ratiosOf: ours, over: theirs))
    }
}
