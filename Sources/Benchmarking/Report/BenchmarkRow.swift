public import JSON

/// One measured quantity with its spread and, where there is one, the machine's limit for it.
public struct BenchmarkRow: Sendable {
    /// What was measured: `decode`.
    public let name: String
    /// Under which conditions, in the order in which they are shown: `depth` 4096.
    public let parameters: [(name: String, value: JSONValue)]
    /// `tokens/s`, `seconds`, …
    public let unit: String
    public let summary: Summary
    /// The limit in the same unit, and what it comes from.
    public var limit: (value: Double, work: Work, bound: Roofline.Bound)?
    /// Further numbers, such as the share of policy work.
    public var details: [(name: String, value: JSONValue)] = []

    public init(name: String, parameters: [(name: String, value: JSONValue)], unit: String, summary: Summary) {
        self.name = name
        self.parameters = parameters
        self.unit = unit
        self.summary = summary
    }

    /// A row of tokens per second: `tokens` come out of each of `times` seconds, which `work` bounds from below.
    init(
        name: String, parameters: [(name: String, value: JSONValue)], tokens: Int, times: Summary, work: Work,
        limits: MachineLimits
    ) {
        self.init(
            name: name, parameters: parameters, unit: "tokens/s", summary: times.mapped { Double(tokens) / $0 })
        let roofline = Roofline(work, on: limits)
        limit = (Double(tokens) / roofline.seconds, work, roofline.bound)
    }

    /// The median as a share of the limit.
    public var share: Double? { limit.map { summary.median / $0.value } }

    /// All of it as an object.
    var json: JSONValue {
        var object = JSONObject()
        object["name"] = .string(name)
        object["parameters"] = .object(JSONObject(members: parameters))
        object["unit"] = .string(unit)
        object["repetitions"] = .integer(summary.count)
        object["median"] = .real(summary.median)
        object["min"] = .real(summary.minimum)
        object["p25"] = .real(summary.percentile(0.25))
        object["p75"] = .real(summary.percentile(0.75))
        object["p90"] = .real(summary.percentile(0.9))
        object["p99"] = .real(summary.percentile(0.99))
        object["max"] = .real(summary.maximum)
        if let limit {
            object["bytes"] = .integer(limit.work.bytes)
            object["operations"] = .real(limit.work.weightOperations + limit.work.attentionOperations)
            object["limit"] = .real(limit.value)
            object["bound"] = .string(limit.bound.rawValue)
            object["share"] = .real(summary.median / limit.value)
        }
        if !details.isEmpty { object["details"] = .object(JSONObject(members: details)) }
        return .object(object)
    }
}

extension JSONObject {
    /// Members in their order.
    init(members: [(name: String, value: JSONValue)]) {
        self.init()
        for member in members { self[member.name] = member.value }
    }
}
