internal import Generation
internal import JSON

extension KVCacheRequest {
    /// The object `kv_cache`. Here unknown keys are errors: dropping a promise about memory silently is worse than
    /// refusing the request.
    init(decoding reader: inout FieldReader) throws(APIError) {
        self.init()
        guard var fields = try reader.members("kv_cache") else { return }
        policy = try fields.string("policy")
        if let policy, policy.isEmpty {
            throw .invalidValue("kv_cache.policy", "the name of a policy", given: .string(policy))
        }
        budget = try Self.budget(&fields)
        recentRatioMillionths = try fields.number("recent_ratio", in: 0...1).map(millionths)
        sinkTokens = try fields.integer("sink_tokens", in: 0...RequestBounds.tokenCount)
        storage = try fields.string("storage")
        if let storage, !KVCacheRequest.storages.contains(storage) {
            let allowed = KVCacheRequest.storages.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .invalidValue("kv_cache.storage", "one of \(allowed)", given: .string(storage))
        }
        onPoolFull = try Self.onPoolFull(&fields)
        minBudgetTokens = try fields.integer("min_budget_tokens", in: 1...RequestBounds.tokenCount)
        policyParameters = try Self.policyParameters(&fields)
        if let unknown = fields.unknownFields.first {
            throw .invalidRequest(
                "\(unknown.prefix(80)) is not a known field. Known: policy, budget_ratio, budget_tokens, budget_bytes, "
                    + "recent_ratio, sink_tokens, storage, policy_params, on_pool_full, min_budget_tokens.",
                param: String(unknown.prefix(80)), code: "unknown_parameter")
        }
    }

    private static func onPoolFull(_ fields: inout FieldReader) throws(APIError) -> PoolFullChoice? {
        guard let text = try fields.string("on_pool_full") else { return nil }
        if let choice = PoolFullChoice(rawValue: text) { return choice }
        let allowed = PoolFullChoice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        throw .invalidValue(fields.path("on_pool_full"), "one of \(allowed)", given: .string(text))
    }

    /// At most one of the three ways to say it.
    private static func budget(_ fields: inout FieldReader) throws(APIError) -> KVBudgetRequest? {
        var given: [(key: String, budget: KVBudgetRequest)] = []
        if let value = fields.value("budget_ratio") {
            given.append(("budget_ratio", .ratio(millionths: try ratio(value, path: fields.path("budget_ratio")))))
        }
        if let tokens = try fields.integer("budget_tokens", in: 1...RequestBounds.tokenCount) {
            given.append(("budget_tokens", .tokens(tokens)))
        }
        if let bytes = try fields.integer("budget_bytes", in: 1...RequestBounds.bytes) {
            given.append(("budget_bytes", .bytes(bytes)))
        }
        guard given.count <= 1 else {
            let names = given.map { "kv_cache.\($0.key)" }
            throw .invalidRequest(
                "\(names.joined(separator: " and ")) exclude each other: give one of them.", param: names[1],
                code: "invalid_value")
        }
        return given.first?.budget
    }

    private static func ratio(_ value: JSONValue, path: String) throws(APIError) -> Int {
        let rule = "a number above 0 and up to 1, in steps of 0.000001"
        guard let ratio = value.asDouble else { throw .invalidType(path, expected: rule, given: value) }
        guard ratio > 0, ratio <= 1, millionths(ratio) > 0 else { throw .invalidValue(path, rule, given: value) }
        return millionths(ratio)
    }

    private static func policyParameters(_ fields: inout FieldReader) throws(APIError) -> [String: PolicyParameter] {
        guard let members = try fields.members("policy_params") else { return [:] }
        var parameters: [String: PolicyParameter] = [:]
        for (key, value) in members.object {
            switch value {
            case .null: continue
            case .bool(let flag): parameters[key] = .flag(flag)
            case .integer(let number): parameters[key] = .integer(number)
            case .real(let number): parameters[key] = .number(number)
            case .string(let text): parameters[key] = .text(text)
            case .array, .object:
                let path = String(members.path(key).prefix(80))
                throw .invalidType(path, expected: "a number, a string, true or false", given: value)
            }
        }
        return parameters
    }
}

/// A ratio in 0...1 to the nearest millionth, so that 0.29 means exactly 290,000.
private func millionths(_ ratio: Double) -> Int { Int((ratio * 1_000_000).rounded()) }
