/// What all benchmarks of the engine share.
public struct BenchmarkSettings: Sendable {
    /// GGUF file or Hugging Face folder.
    public var modelPath: String
    /// Threads that compute; every core if nil.
    public var threads: Int?
    public var repetitions: Int
    /// Prompt rows that pass a layer together.
    public var rowsPerStep = 256
    /// Steps behind random cache entries instead of a prompt's: at once, where a prompt of the depth takes minutes.
    public var fillsAtRandom = false
    /// How caches store keys and values: one of the API's names.
    public var storage = "f16"
    /// Few repetitions and rough limits: for trying a command.
    public var isQuick = false
    /// Product and version, for the report.
    public var product: String
    /// The command line, for the report.
    public var command: [String]

    public init(modelPath: String, product: String, command: [String], repetitions: Int = 5) {
        self.modelPath = modelPath
        self.product = product
        self.command = command
        self.repetitions = repetitions
    }

    var effort: MachineLimits.Effort { isQuick ? .quick : .full }

    var plannedRepetitions: Repetitions {
        isQuick
            ? Repetitions(minimum: 1, maximum: 1, seconds: 0)
            : Repetitions(minimum: repetitions, maximum: repetitions, seconds: 0)
    }
}
