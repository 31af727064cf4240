internal import Generation
internal import JSON

/// Bounds of fields that the contract leaves open. They keep sums and products of a request's numbers far from
/// overflow.
enum RequestBounds {
    /// Largest count of tokens in any field.
    static let tokenCount = Int(Int32.max)
    /// Largest token id of any vocabulary.
    static let tokenID = Int(Int32.max)
    /// Prompts times `n` of one request.
    static let sequences = 2048
    /// Largest count of bytes that a double holds exactly.
    static let bytes = 1 << 53
    /// Strings in `stop`, as in the OpenAI contract.
    static let stopStrings = 4
    /// UTF-8 bytes of a stop string: each choice has an automaton with a node for each byte.
    static let stopBytes = 512
    /// Ids in `stop_token_ids`.
    static let stopTokens = 1024
    /// UTF-8 bytes of `cache_salt`.
    static let saltBytes = 128
    /// Values of `priority`; a key's own bound may be lower.
    static let priorities = -1000...1000
    /// Alternatives per token. OpenAI stops at 5 for completions and at 20 for chats; here 20 is legal for both.
    static let logprobs = 20
}

/// The fields both endpoints share: sampling, penalties, ends and the KV cache.
extension GenerationRequest {
    /// Everything but prompt, token limits and logprobs, which differ between the endpoints.
    init(decoding reader: inout FieldReader) throws(APIError) {
        self.init(prompt: [])
        choices = try reader.integer("n", in: 1...128) ?? 1
        sampling = try SamplingParameters(decoding: &reader)
        stop = try StopConditions(decoding: &reader)
        cache = try KVCacheRequest(decoding: &reader)
        priority = try reader.integer("priority", in: RequestBounds.priorities)
        cacheSalt = try Self.salt(&reader)
        skipSpecialTokens = try reader.boolean("skip_special_tokens") ?? true
    }

    private static func salt(_ reader: inout FieldReader) throws(APIError) -> String? {
        guard let text = try reader.string("cache_salt") else { return nil }
        guard (1...RequestBounds.saltBytes).contains(text.utf8.count) else {
            throw .invalidRequest(
                "cache_salt must have 1 to \(RequestBounds.saltBytes) bytes, not \(text.utf8.count).",
                param: "cache_salt", code: "invalid_value")
        }
        return text
    }

    /// Sets `max_tokens` and checks `min_tokens` against it.
    mutating func limit(to maxTokens: Int?) throws(APIError) {
        stop.maxTokens = maxTokens
        if let maxTokens, stop.minTokens > maxTokens {
            throw .invalidRequest(
                "min_tokens (\(stop.minTokens)) must not exceed the most tokens to generate (\(maxTokens)).",
                param: "min_tokens", code: "invalid_value")
        }
    }
}

extension SamplingParameters {
    init(decoding reader: inout FieldReader) throws(APIError) {
        self.init()
        temperature = try reader.number("temperature", in: 0...2) ?? 1
        topP = try reader.number("top_p", in: 0...1) ?? 1
        topK = max(0, try reader.integer("top_k", in: -1...RequestBounds.tokenCount) ?? 0)
        minP = try reader.number("min_p", in: 0...1) ?? 0
        presencePenalty = try reader.number("presence_penalty", in: -2...2) ?? 0
        frequencyPenalty = try reader.number("frequency_penalty", in: -2...2) ?? 0
        repetitionPenalty = try reader.number("repetition_penalty", in: 0.01...100) ?? 1
        logitBias = try Self.logitBias(&reader)
        seed = try reader.integer("seed", in: .min ... .max).map { UInt64(bitPattern: Int64($0)) } ?? 0
    }

    private static func logitBias(_ reader: inout FieldReader) throws(APIError) -> [TokenID: Double] {
        guard let members = try reader.members("logit_bias") else { return [:] }
        var bias: [TokenID: Double] = [:]
        for (key, value) in members.object {
            guard let token = TokenID(key), token >= 0, String(token) == key else {
                let given = FieldReader.excerpt(.string(key))
                throw .invalidRequest(
                    "The keys of logit_bias must be token ids such as \"42\", not \(given).", param: "logit_bias",
                    code: "invalid_value")
            }
            if value.isNull { continue }
            bias[token] = try FieldReader.number(value, in: -100...100, path: members.path(key))
        }
        return bias
    }
}

extension StopConditions {
    init(decoding reader: inout FieldReader) throws(APIError) {
        self.init()
        stopStrings = try Self.stopStrings(&reader)
        minTokens = try reader.integer("min_tokens", in: 0...RequestBounds.tokenCount) ?? 0
        ignoreEOS = try reader.boolean("ignore_eos") ?? false
        includeStopString = try reader.boolean("include_stop_str_in_output") ?? false
        let ids = try reader.array("stop_token_ids") ?? []
        guard ids.count <= RequestBounds.stopTokens else {
            throw .invalidRequest(
                "stop_token_ids has \(ids.count) ids, at most \(RequestBounds.stopTokens) are allowed.",
                param: "stop_token_ids", code: "invalid_value")
        }
        for (index, id) in ids.enumerated() {
            let path = "stop_token_ids[\(index)]"
            stopTokens.append(TokenID(try FieldReader.integer(id, in: 0...RequestBounds.tokenID, path: path)))
        }
    }

    /// A string, or an array of up to four. An empty array counts as absent, as with other servers.
    private static func stopStrings(_ reader: inout FieldReader) throws(APIError) -> [String] {
        guard let value = reader.value("stop") else { return [] }
        if value.asString != nil { return [try stopString(value, path: "stop")] }
        guard let elements = value.asArray else {
            throw .invalidType("stop", expected: "a string or an array of strings", given: value)
        }
        guard elements.count <= RequestBounds.stopStrings else {
            throw .invalidRequest(
                "stop has \(elements.count) strings, at most \(RequestBounds.stopStrings) are allowed.",
                param: "stop", code: "invalid_value")
        }
        var strings: [String] = []
        for (index, element) in elements.enumerated() {
            strings.append(try stopString(element, path: "stop[\(index)]"))
        }
        return strings
    }

    private static func stopString(_ value: JSONValue, path: String) throws(APIError) -> String {
        guard let text = value.asString else { throw .invalidType(path, expected: "a string", given: value) }
        guard !text.isEmpty else { throw .invalidValue(path, "a string that is not empty", given: value) }
        guard text.utf8.count <= RequestBounds.stopBytes else {
            throw .invalidRequest(
                "\(path) has \(text.utf8.count) bytes, at most \(RequestBounds.stopBytes) are allowed.", param: path,
                code: "invalid_value")
        }
        return text
    }
}
