public import KVCaching

/// Why a benchmark cannot run. Texts name the option to change.
public enum BenchmarkError: Error, Equatable, CustomStringConvertible {
    case badNumber(option: String, text: String, allowed: String)
    case badChoice(option: String, text: String, known: [String])
    case badObject(option: String, text: String)
    case badURL(String)
    /// A line of a trace file, counted from 1, is not what its format says.
    case badTrace(path: String, line: Int)
    case unreadable(path: String, reason: String)
    /// Tokens that a run needs beyond the model's context.
    case contextTooShort(needed: Int, context: Int)
    case noMatrices(model: String)
    /// Rows of the shape do not fill the type's blocks.
    case badShape(shape: ModelShape, type: WeightType)
    /// A policy cannot be had with this budget.
    case refused(policy: String, budget: String, KVCacheRequestError)
    case unwritable(path: String, reason: String)
    case cannotConnect(url: String, reason: String)
    /// A server answered a probe with something else than it should.
    case badAnswer(url: String, reason: String)
    /// A program could not be started, or ended with an error.
    case program(path: String, reason: String)
    /// What a peer's program printed is not what is known of it.
    case badOutput(program: String, reason: String)
    case missingPeer(String)

    public var description: String {
        switch self {
        case .badNumber(let option, let text, let allowed): "\(option): '\(text)' must be \(allowed)"
        case .badChoice(let option, let text, let known):
            "\(option): '\(text)' is unknown; allowed are \(known.joined(separator: ", "))"
        case .badObject(let option, let text):
            "\(option): '\(text)' must be a JSON object, such as '{\"budget_ratio\": 0.5}'"
        case .badURL(let text): "--url: '\(text)' must have the form http://HOST:PORT"
        case .badTrace(let path, let line):
            "\(path):\(line): a line must be 'TIME,ContextTokens,GeneratedTokens' as in Azure's traces, or an object "
                + "with timestamp, input_length and output_length as in Mooncake's"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .contextTooShort(let needed, let context):
            "the run needs \(needed) tokens but the model's context has \(context); use smaller depths"
        case .noMatrices(let model): "\(model) has no matrices to multiply; name a transformer with --model"
        case .badShape(let shape, let type):
            "--type: rows of \(shape.rawValue) do not fill the blocks of 256 elements that \(type.rawValue) has; "
                + "--shape may be "
                + ModelShape.allCases.filter { $0.fits(type) }.map(\.rawValue).joined(separator: ", ")
        case .refused(let policy, let budget, let error):
            "\(policy) at \(budget) %: \(error.message); leave the budget out with --budgets"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .cannotConnect(let url, let reason):
            "\(url) cannot be reached: \(reason); start the server or change --url"
        case .badAnswer(let url, let reason): "\(url): \(reason)"
        case .program(let path, let reason): "\(path): \(reason)"
        case .badOutput(let program, let reason):
            "\(program) printed something unexpected: \(reason); another version of it may be needed"
        case .missingPeer(let reason): "\(reason)"
        }
    }
}
