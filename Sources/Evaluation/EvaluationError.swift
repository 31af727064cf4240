public import KVCaching

/// Why an evaluation cannot run. Texts name the option to change.
public enum EvaluationError: Error, CustomStringConvertible {
    case unknownPolicy(String, known: [String])
    case badVariant(String, reason: String)
    case badBudget(String)
    case unknownSuite(String)
    case badNumber(option: String, value: Int, allowed: String)
    /// The filler text is shorter than one input.
    case textTooShort(tokens: Int, needed: Int)
    /// Facts leave no room in a context of this length.
    case contextTooShort(tokens: Int, needed: Int)
    /// Texts and what follows them exceed the model's context.
    case contextTooLong(tokens: Int, room: Int, context: Int)
    /// A policy cannot be had with this budget.
    case refused(policy: String, budget: String, KVCacheRequestError)
    case unwritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .unknownPolicy(let name, let known):
            "--policy: '\(name)' is unknown; allowed are \(known.joined(separator: ", "))"
        case .badVariant(let text, let reason): "--policy: '\(text)': \(reason)"
        case .badBudget(let text): "--budgets: '\(text)' must be a decimal number of percent above 0 and up to 100"
        case .unknownSuite(let name):
            "--suites: '\(name)' is unknown; allowed are \(SuiteKind.allCases.map(\.rawValue).joined(separator: ", "))"
        case .badNumber(let option, let value, let allowed): "\(option) is \(value) but must be \(allowed)"
        case .textTooShort(let tokens, let needed):
            "--text has \(tokens) tokens but an input needs \(needed); give a longer text or a shorter --context"
        case .contextTooShort(let tokens, let needed):
            "--context is \(tokens) tokens but an input with its facts needs \(needed)"
        case .contextTooLong(let tokens, let room, let context):
            "--context is \(tokens) tokens, which with \(room) more exceed the model's context of \(context)"
        case .refused(let policy, let budget, let error):
            "\(policy) at \(budget) %: \(error.message); leave the budget out with --budgets"
        case .unwritable(let path, let reason): "\(path): \(reason)"
        }
    }
}
