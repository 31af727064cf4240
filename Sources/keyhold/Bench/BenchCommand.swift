internal import ArgumentParser

/// `keyhold bench`: how fast this machine runs a model, against what it can do and against a peer.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure speed: kernels, prompts, steps, budgets, servers, and a peer on the same file.",
        discussion: """
            Every figure is a median with its spread. Where a physical limit is known it is measured in the same run, \
            with the same threads, and stands beside the figure. Let nothing else run on the machine.
            """,
        subcommands: [
            BenchModelCommand.self, BenchKernelsCommand.self, BenchPrefillCommand.self, BenchDecodeCommand.self,
            BenchBatchCommand.self, BenchPolicyCommand.self, BenchLoadCommand.self, BenchHTTPCommand.self,
            BenchCapacityCommand.self, BenchCompareCommand.self,
        ])
}
