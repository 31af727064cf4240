internal import Foundation

/// The peer's programs: llama.cpp's benchmarks and server, built outside this project.
public struct PeerTools: Sendable {
    /// `llama-bench`.
    public let bench: String
    /// `llama-batched-bench` and `llama-server`, beside `llama-bench` unless named.
    public let batchedBench: String
    public let server: String

    /// - Parameter path: `llama-bench`, or the folder that holds it.
    public init(path: String, server: String? = nil) throws(BenchmarkError) {
        guard let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType else {
            throw .missingPeer("--peer-binary: \(path) does not exist; it is llama-bench or its folder")
        }
        let isFolder = kind != .typeRegular
        let folder = isFolder ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
        bench = isFolder ? "\(path)/llama-bench" : path
        batchedBench = "\(folder)/llama-batched-bench"
        self.server = server ?? "\(folder)/llama-server"
    }

    /// New or prompt tokens per second of one run, with flash attention or without.
    func rate(
        _ work: ComparedWork, model: String, threads: Int, steps: Int, flashAttention: Bool
    ) throws(BenchmarkError) -> Double {
        switch work {
        case .prefill(let tokens):
            return try benchRate(model, threads, flashAttention, ["-p", "\(tokens)", "-n", "0"])
        case .decode(let depth):
            return try benchRate(model, threads, flashAttention, ["-p", "0", "-n", "\(steps)", "-d", "\(depth)"])
        case .batch(let sequences):
            let prompt = ComparedWork.batchPromptTokens
            try Self.requireProgram(batchedBench)
            // It ends without waiting for its printing thread, which loses the last row: a second, small piece of work
            // gives the row that counts time to be printed.
            let output = try ToolRun.output(
                batchedBench,
                [
                    "-m", model, "-t", "\(threads)", "-fa", flashAttention ? "on" : "off", "-npp", "\(prompt)",
                    "-ntg", "\(steps)", "-npl", "\(sequences),1", "-c", "\(sequences * (prompt + steps) + 64)",
                ])
            return try PeerOutput.batchRate(output, sequences: sequences)
        case .server, .requests: preconditionFailure("\(work) is no work of a program")
        }
    }

    private func benchRate(
        _ model: String, _ threads: Int, _ flashAttention: Bool, _ arguments: [String]
    ) throws(BenchmarkError) -> Double {
        try Self.requireProgram(bench)
        return try PeerOutput.benchRate(
            try ToolRun.output(
                bench,
                ["-m", model, "-t", "\(threads)", "-fa", flashAttention ? "1" : "0", "-r", "1", "-o", "json"]
                    + arguments))
    }

    static func requireProgram(_ path: String) throws(BenchmarkError) {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw .missingPeer("\(path) is no program; build it or name it with --peer-binary or --peer-server-binary")
        }
    }
}
