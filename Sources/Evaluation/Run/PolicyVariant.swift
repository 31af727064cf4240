public import Generation
internal import KVCaching

/// A policy with its settings, under the label that tables and plots show.
///
/// Written `name` or `name:key=value,key=value`: `recent` and `sinks` are the fields `recent_ratio` and `sink_tokens`
/// of a request, `storage` is its own, every other key is a parameter of the policy (`noise=none`, `choose_per=layer`,
/// `neighbourhood=3`).
public struct PolicyVariant: Sendable, Equatable {
    public let label: String
    public let request: KVCacheRequest

    /// The policies that an evaluation compares unless told otherwise: all that evict.
    public static var standard: [PolicyVariant] {
        PolicyTable.names.filter { $0 != "full" }.map { name in
            var request = KVCacheRequest()
            request.policy = name
            return PolicyVariant(label: name, request: request)
        }
    }

    /// `random` with no settings: what the others are measured against unless told otherwise.
    public static var random: PolicyVariant {
        var request = KVCacheRequest()
        request.policy = "random"
        return PolicyVariant(label: "random", request: request)
    }

    private init(label: String, request: KVCacheRequest) {
        self.label = label
        self.request = request
    }

    public init(parsing text: String) throws(EvaluationError) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let name = parts.first ?? ""
        guard name != "full", PolicyTable.names.contains(name) else {
            throw .unknownPolicy(name, known: PolicyTable.names.filter { $0 != "full" })
        }
        var request = KVCacheRequest()
        request.policy = name
        for setting in parts.dropFirst().joined().split(separator: ",") {
            let pair = setting.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { throw .badVariant(text, reason: "'\(setting)' must be key=value") }
            try Self.apply(pair[0], pair[1], to: &request, text: text)
        }
        try Self.check(request, text: text)
        label = text
        self.request = request
    }

    /// Throws where the policy refuses a setting at any budget.
    private static func check(_ request: KVCacheRequest, text: String) throws(EvaluationError) {
        do {
            _ = try PolicyTable.plan(
                request, defaults: KVCacheRequest(), promptTokens: 1, maxNewTokens: 1,
                shape: CacheShape(layerCount: 1, kvHeads: 1, queryHeads: 1, headDim: 1, hiddenSize: 1), usesRoPE: false)
        } catch {
            let name = error.field.split(separator: ".").last ?? ""
            throw .badVariant(text, reason: "\(name) \(error.message)")
        }
    }

    private static func apply(
        _ key: String, _ value: String, to request: inout KVCacheRequest, text: String
    ) throws(EvaluationError) {
        switch key {
        case "recent":
            guard let ratio = Double(value), (0...1).contains(ratio) else {
                throw .badVariant(text, reason: "recent must be a number between 0 and 1")
            }
            request.recentRatioMillionths = Int((ratio * 1_000_000).rounded())
        case "sinks":
            guard let sinks = Int(value), sinks >= 0 else {
                throw .badVariant(text, reason: "sinks must be a whole number from 0 on")
            }
            request.sinkTokens = sinks
        case "storage":
            guard KVCacheRequest.storages.contains(value) else {
                throw .badVariant(
                    text, reason: "storage must be one of \(KVCacheRequest.storages.joined(separator: ", "))")
            }
            request.storage = value
        default:
            request.policyParameters[key] =
                Int(value).map { .integer($0) } ?? Double(value).map { .number($0) } ?? .text(value)
        }
    }
}
