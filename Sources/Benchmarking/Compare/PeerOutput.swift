internal import Foundation
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

    /// New tokens per second of all sequences from the table of `llama-batched-bench`: the column `S_TG t/s` of the row
    /// whose column `B` is `sequences`.
    static func batchRate(_ bytes: [UInt8], sequences: Int) throws(BenchmarkError) -> Double {
        let program = "llama-batched-bench"
        var heads: [String] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("|") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if cells.contains("S_TG t/s") { heads = cells }
            guard let size = heads.firstIndex(of: "B"), let rate = heads.firstIndex(of: "S_TG t/s"),
                cells.count == heads.count, Int(cells[size]) == sequences
            else { continue }
            guard let value = Double(cells[rate]), value > 0 else {
                throw .badOutput(program: program, reason: "'\(cells[rate])' tokens per second")
            }
            return value
        }
        throw .badOutput(program: program, reason: "no row for \(sequences) sequences")
    }
}
