internal import ArgumentParser
internal import Benchmarking

/// A trace of requests, and how much of it counts.
struct BenchTraceOptions: ParsableArguments {
    @Option(help: "Trace: CSV as Azure's LLM inference traces, or JSON lines as Mooncake's.")
    var trace: String?

    @Option(help: "How many times faster than it was recorded.")
    var speed = 1.0

    @Option(name: .customLong("trace-skip"), help: "Seconds of the trace that are left out at its beginning.")
    var skip = 0.0

    @Option(name: .customLong("trace-seconds"), help: "Seconds of the trace that count; all if absent.")
    var seconds: Double?

    @Option(name: .customLong("length-scale"), help: "Factor of all lengths of prompts and answers.")
    var lengths = 1.0

    @Option(name: .customLong("max-prompt-tokens"), help: "Longer prompts are cut to this.")
    var maxPromptTokens = 10_000_000

    @Option(name: .customLong("max-new-tokens"), help: "Longer answers are cut to this.")
    var maxNewTokens = 10_000_000

    func validate() throws {
        for (name, value) in [
            ("--speed", speed), ("--length-scale", lengths), ("--trace-seconds", seconds ?? 1),
            ("--max-prompt-tokens", Double(maxPromptTokens)), ("--max-new-tokens", Double(maxNewTokens)),
        ] where !(value > 0 && value <= 1e9) {
            throw ValidationError("\(name) is \(value) but must be above 0 and at most 1000000000.")
        }
        guard skip >= 0, skip.isFinite else { throw ValidationError("--trace-skip is \(skip) but must be from 0 on.") }
    }

    /// The trace's part that counts, scaled; at most `requests` of it. Nil where none is named.
    func loaded(requests: Int?) throws -> RequestTrace? {
        guard let trace else { return nil }
        let cut = try RequestTrace(path: trace).window(from: skip, seconds: seconds ?? .infinity)
        let kept = requests.map { cut.first($0) } ?? cut
        guard !kept.entries.isEmpty else { throw ValidationError("No request of the trace is left to send.") }
        return kept.scaled(speed: speed, lengths: lengths, maxPrompt: maxPromptTokens, maxNew: maxNewTokens)
    }
}
