internal import JSON

/// One suite under one policy with one budget: the unit that is measured, saved and skipped by a rerun.
public struct EvaluationPoint: Sendable, Equatable {
    /// Settings, text and model of the run, hashed.
    let run: String
    public let suite: SuiteKind
    /// Label of the variant.
    public let policy: String
    public let budget: BudgetShare
    /// Slots of every layer and KV head, averaged over the inputs.
    public let slots: Double
    /// Bytes of the whole pruned cache, averaged over the inputs.
    public let bytes: Double
    public let seconds: Double
    /// Measures by input.
    public let values: [Measure: [Double]]

    /// One object, the measures in a fixed order.
    var json: JSONValue {
        var object = JSONObject()
        object["run"] = .string(run)
        object["suite"] = .string(suite.rawValue)
        object["policy"] = .string(policy)
        object["budget_percent"] = .real(budget.percent)
        object["slots"] = .real(slots)
        object["bytes"] = .real(bytes)
        object["seconds"] = .real(seconds)
        var measured = JSONObject()
        for measure in Measure.allCases {
            guard let values = values[measure] else { continue }
            measured[measure.rawValue] = .array(values.map { .real($0) })
        }
        object["values"] = .object(measured)
        return .object(object)
    }

    /// Reads what `json` wrote; nil for anything else.
    init?(_ json: JSONValue) {
        guard let object = json.asObject, let run = object["run"]?.asString,
            let suite = object["suite"]?.asString.flatMap(SuiteKind.init(rawValue:)),
            let policy = object["policy"]?.asString, let percent = object["budget_percent"]?.asDouble,
            let budget = try? BudgetShare(parsing: "\(percent)"), let slots = object["slots"]?.asDouble,
            let bytes = object["bytes"]?.asDouble, let seconds = object["seconds"]?.asDouble,
            let measured = object["values"]?.asObject
        else { return nil }
        var values: [Measure: [Double]] = [:]
        for (name, numbers) in measured {
            guard let measure = Measure(rawValue: name), let numbers = numbers.asArray else { return nil }
            values[measure] = numbers.compactMap(\.asDouble)
            guard values[measure]?.count == numbers.count else { return nil }
        }
        self.init(
            run: run, suite: suite, policy: policy, budget: budget, slots: slots, bytes: bytes, seconds: seconds,
            values: values)
    }

    init(
        run: String, suite: SuiteKind, policy: String, budget: BudgetShare, slots: Double, bytes: Double,
        seconds: Double, values: [Measure: [Double]]
    ) {
        self.run = run
        self.suite = suite
        self.policy = policy
        self.budget = budget
        self.slots = slots
        self.bytes = bytes
        self.seconds = seconds
        self.values = values
    }
}
