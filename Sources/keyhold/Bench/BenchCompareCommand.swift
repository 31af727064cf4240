internal import ArgumentParser
internal import Benchmarking
internal import ServerApp

/// `keyhold bench compare`.
struct BenchCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Run llama.cpp and this program in turns on the same GGUF file.",
        discussion: """
            Engine rows use the peer's llama-bench and llama-batched-bench, with flash attention on and off; the \
            better setting counts. Server rows use its llama-server. Ratios are ours over the peer's.
            """)

    @Option(name: .customLong("peer-binary"), help: "The peer's llama-bench, or the folder with its programs.")
    var peerBinary: String?

    @Option(
        name: .customLong("peer-server-binary"), help: "The peer's server; llama-server beside llama-bench if absent.")
    var peerServerBinary: String?

    @Option(name: .customLong("peer-url"), help: "A running server of the peer with the same file, for server rows.")
    var peerURL: String?

    @Option(
        help: "What to compare: prefill=TOKENS, decode=DEPTH, batch=SEQUENCES, server=CLIENTS, requests=CONNECTIONS.")
    var work = "prefill=512,decode=0,decode=8192,batch=8"

    @Option(help: "How often each side is measured, in turns.")
    var alternations = 5

    @Option(help: "Steps of a decode or batch measurement.")
    var steps = 64

    @OptionGroup var engine: BenchEngineOptions

    func validate() throws {
        try BenchEngineOptions.checkSteps(steps)
        guard (1...1000).contains(alternations) else {
            throw ValidationError("--alternations is \(alternations) but must be from 1 to 1000.")
        }
        guard peerBinary != nil || peerURL != nil else {
            throw ValidationError("Name the peer with --peer-binary or --peer-url.")
        }
    }

    func run() throws {
        var comparison = Comparison(
            settings: engine.settings, works: try ComparedWork.list(work))
        comparison.alternations = alternations
        comparison.steps = steps
        if let peerBinary { comparison.peer = try PeerTools(path: peerBinary, server: peerServerBinary) }
        if let peerURL { comparison.peerTarget = try HTTPTarget(parsing: peerURL) }
        let progress = ProgressBar()
        let result = try comparison.run { progress.show($0) }
        progress.end()
        try engine.report.publish(result)
    }
}
