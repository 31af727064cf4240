internal import Decoding
internal import Foundation
internal import KVCaching

/// What is measured on a model inside this process.
public enum EngineBenchmark: Sendable, Equatable {
    /// Matrices of the model times 1, 2, 4, 8, … rows, and row-wise arithmetic.
    case kernels
    /// One matrix of each quantised type times 1 and 8 rows.
    case weightTypes
    /// Prompts of the given lengths, one at a time.
    case prefill(tokens: [Int])
    /// Steps of one sequence behind a prompt of each depth; depth 0 is a prompt of one token.
    case decode(depths: [Int], steps: Int)
    /// Steps of several sequences at once, each behind a prompt of `depth` tokens.
    case batch(sizes: [Int], depth: Int, steps: Int)
    /// Steps under budgets of a prompt of `depth` tokens, in millionths of it, for a policy and for a window of the
    /// same size, which keeps no scores.
    case policy(name: String, budgets: [Int], depth: Int, steps: Int, sequences: Int)

    /// Tokens of the longest sequence, and sequences at once.
    private var size: (tokens: Int, sequences: Int) {
        switch self {
        case .kernels, .weightTypes: (1, 1)
        case .prefill(let tokens): (tokens.max() ?? 1, 1)
        case .decode(let depths, let steps): ((depths.max() ?? 1) + steps, 1)
        case .batch(let sizes, let depth, let steps): (depth + steps, sizes.max() ?? 1)
        case .policy(_, _, let depth, let steps, let sequences): (depth + steps, sequences)
        }
    }

    private var timesPolicy: Bool {
        guard case .policy = self else { return false }
        return true
    }

    /// Loads the model, measures the machine and then the model. Blocks until the end; `progress` hears what is being
    /// done. Throws `BenchmarkError` or what loading throws.
    public func run(_ settings: BenchmarkSettings, progress: @escaping (String) -> Void = { _ in }) throws
        -> BenchmarkReport
    {
        let machine = Machine.current()
        let threads = settings.threads ?? machine.cores
        let facts = try ModelFacts(path: settings.modelPath)
        guard size.tokens <= facts.configuration.contextLength else {
            throw BenchmarkError.contextTooShort(needed: size.tokens, context: facts.configuration.contextLength)
        }
        progress("limits of the machine")
        let limits = MachineLimits.measured(machine, threads: threads, effort: settings.effort)
        let rows: [BenchmarkRow]
        let kernels = KernelBenchmark(facts: facts, threads: threads, settings: settings, limits: limits)
        switch self {
        case .kernels: rows = try kernels.rows(progress: progress)
        case .weightTypes: rows = try kernels.rowsOfTypes(progress: progress)
        default:
            let bench = try EngineBench(
                facts: facts, threads: threads, sequences: size.sequences, rows: settings.rowsPerStep,
                timesPolicy: timesPolicy)
            let measure = StepBenchmark(bench: bench, settings: settings, limits: limits, progress: progress)
            rows = try self.rows(measure)
        }
        return BenchmarkReport(
            product: settings.product, command: settings.command, date: Date(), machine: machine, limits: limits,
            model: facts.json, rows: rows)
    }

    private func rows(_ measure: StepBenchmark) throws -> [BenchmarkRow] {
        switch self {
        case .kernels, .weightTypes: []
        case .prefill(let tokens): try tokens.map { try measure.prefill(tokens: $0) }
        case .decode(let depths, let steps):
            try depths.map { try measure.decode(depth: $0, steps: steps, sequences: 1, name: "decode") }
        case .batch(let sizes, let depth, let steps):
            try sizes.map { try measure.decode(depth: depth, steps: steps, sequences: $0, name: "batch") }
        case .policy(let name, let budgets, let depth, let steps, let sequences):
            try measure.policy(name, budgets: budgets, depth: depth, steps: steps, sequences: sequences)
        }
    }
}
