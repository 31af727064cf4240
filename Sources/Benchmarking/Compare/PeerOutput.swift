internal import JSON

/// What the peer's benchmark programs print.
enum PeerOutput {
    /// Tokens per second from `llama-bench -o json`: an array with one object per test, of which this is the one.
    static func benchRate(_ bytes: [UInt8]) throws(BenchmarkError) -> Double {
        let program = "llama-bench"
        guard let value = try? JSONValue(parsing: bytes, limits: .request), let tests = value.asArray else {
            throw .badOutput(program: program, reason: "no JSON array")
        }
        guard tests.count == 1, let test = tests[0].asObject else {
            throw .badOutput(program: program, reason: "\(tests.count) tests instead of one")
        }
        guard let rate = test["avg_ts"]?.asDouble, rate > 0 else {
            throw .badOutput(program: program, reason: "no positive avg_ts")
        }
        return rate
    }

    /// New tokens per second of all sequences from `llama-batched-bench --output-format jsonl`: one object per line,
    /// among other lines.
    static func batchRate(_ bytes: [UInt8], sequences: Int) throws(BenchmarkError) -> Double {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard line.first == UInt8(ascii: "{"), let value = try? JSONValue(parsing: Array(line), limits: .request),
                let object = value.asObject, object["pl"]?.asInt == sequences
            else { continue }
            guard let rate = object["speed_tg"]?.asDouble, rate > 0 else {
                throw .badOutput(program: "llama-batched-bench", reason: "no positive speed_tg")
            }
            return rate
        }
        throw .badOutput(program: "llama-batched-bench", reason: "no line for \(sequences) sequences")
    }
}
