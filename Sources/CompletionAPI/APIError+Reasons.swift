internal import JSON

/// What a server can have against a request, each with its status, type and code.
extension APIError {
    /// A field has the wrong type, is out of range, or contradicts another.
    public static func invalidRequest(_ message: String, param: String?, code: String?) -> APIError {
        APIError(status: 400, type: "invalid_request_error", message: message, param: param, code: code)
    }

    /// How long a refused prompt is.
    public enum PromptLength: Sendable, CustomStringConvertible {
        case exactly(Int)
        /// It was refused before it was counted.
        case atLeast(Int)

        public var description: String {
            switch self {
            case .exactly(let count): "\(count)"
            case .atLeast(let count): "at least \(count)"
            }
        }
    }

    /// Prompt and answer do not fit the model's context.
    public static func contextLengthExceeded(
        promptTokens: PromptLength, maxTokens: Int?, contextLength: Int, param: String
    ) -> APIError {
        let asked = maxTokens.map { "\(promptTokens) prompt tokens and \($0) tokens to generate" }
        return invalidRequest(
            "This model's context has \(contextLength) tokens, but \(asked ?? "\(promptTokens) prompt tokens") were "
                + "asked for. Shorten the prompt or ask for fewer tokens.",
            param: param, code: "context_length_exceeded")
    }

    /// The request could not run even alone on this server.
    public static func budgetUnsatisfiable(neededBytes: Int, limitBytes: Int) -> APIError {
        invalidRequest(
            "The request needs \(neededBytes) bytes of KV cache at once, at most \(limitBytes) can be had. "
                + "Ask for a smaller kv_cache budget, a shorter prompt or fewer choices.",
            param: "kv_cache", code: "kv_budget_unsatisfiable")
    }

    /// The served model has another name.
    public static func modelNotFound(_ model: String) -> APIError {
        APIError(
            status: 404, type: "not_found_error",
            message: "The model \(FieldReader.excerpt(.string(model))) is not served here; see GET /v1/models.",
            param: "model", code: "model_not_found")
    }

    /// No such path.
    public static func pathNotFound(_ path: String) -> APIError {
        APIError(
            status: 404, type: "not_found_error", message: "There is no \(FieldReader.excerpt(.string(path))).",
            param: nil, code: nil)
    }

    /// The path exists with other methods.
    public static func methodNotAllowed(_ method: String, allowed: [String]) -> APIError {
        APIError(
            status: 405, type: "invalid_request_error",
            message: "The method \(FieldReader.excerpt(.string(method))) is not allowed here; "
                + "allowed: \(allowed.joined(separator: ", ")).",
            param: nil, code: "method_not_allowed", allowedMethods: allowed)
    }

    /// The body is longer than the server takes.
    public static func requestTooLarge(limitBytes: Int) -> APIError {
        APIError(
            status: 413, type: "request_too_large",
            message: "The body is too large: at most \(limitBytes) bytes are allowed.", param: nil, code: nil)
    }

    /// Which answer an overloaded server gives. Some proxies repeat a request after 503 but not after 429.
    public enum OverloadStatus: Int, Sendable {
        case tooManyRequests = 429
        case serviceUnavailable = 503
    }

    /// All memory for KV caches is taken and the queue is full.
    public static func poolExhausted(retryAfterSeconds: Int, status: OverloadStatus = .tooManyRequests) -> APIError {
        APIError(
            status: status.rawValue, type: "rate_limit_error",
            message: "The server is full: KV cache memory and queue are taken. Try again later.", param: nil,
            code: "kv_pool_exhausted", retryAfterSeconds: retryAfterSeconds)
    }

    /// The request has waited for its start as long as it may.
    public static func waitedTooLong(
        retryAfterSeconds: Int, status: OverloadStatus = .tooManyRequests
    ) -> APIError {
        APIError(
            status: status.rawValue, type: "rate_limit_error",
            message: "The request waited too long for room. Room is expected in \(retryAfterSeconds) s.", param: nil,
            code: "queue_timeout", retryAfterSeconds: retryAfterSeconds)
    }

    /// There is no memory for the request's KV cache now, and it asked not to wait.
    public static func poolFull(retryAfterSeconds: Int, status: OverloadStatus = .tooManyRequests) -> APIError {
        APIError(
            status: status.rawValue, type: "rate_limit_error",
            message: "There is no room for the request's KV cache now, and on_pool_full is \"reject\". "
                + "Room is expected in \(retryAfterSeconds) s.",
            param: nil, code: "kv_pool_exhausted", retryAfterSeconds: retryAfterSeconds)
    }

    /// The server is loading, draining, or the deadline passed before the request could start.
    public static func unavailable(_ message: String, retryAfterSeconds: Int?) -> APIError {
        APIError(
            status: 503, type: "service_unavailable", message: message, param: nil, code: nil,
            retryAfterSeconds: retryAfterSeconds)
    }

    /// The server's own fault.
    public static func serverError(_ message: String) -> APIError {
        APIError(status: 500, type: "server_error", message: message, param: nil, code: nil)
    }

    /// Fields the server does not know, where it is configured to refuse them. `names` must not be empty.
    public static func unknownFields(_ names: [String]) -> APIError {
        let shown = names.prefix(5).map { FieldReader.excerpt(.string($0)) }.joined(separator: ", ")
        return invalidRequest(
            "Unknown field: \(shown)\(names.count > 5 ? " and \(names.count - 5) more" : "").",
            param: names.first.map { String($0.prefix(80)) }, code: "unknown_parameter")
    }

    /// A body that is not JSON, or too long.
    init(_ error: JSONError) {
        if case .tooLarge(_, let limit) = error.reason {
            self = .requestTooLarge(limitBytes: limit)
        } else {
            self = .invalidRequest("The body cannot be read as JSON: \(error).", param: nil, code: "invalid_json")
        }
    }

    /// A value of another type than `expected`.
    static func invalidType(_ param: String, expected: String, given: JSONValue) -> APIError {
        invalidRequest(
            "\(param) must be \(expected), not \(FieldReader.excerpt(given)).", param: param, code: "invalid_type")
    }

    /// A value of the right type that breaks `rule`.
    static func invalidValue(_ param: String, _ rule: String, given: JSONValue) -> APIError {
        invalidRequest(
            "\(param) must be \(rule), not \(FieldReader.excerpt(given)).", param: param, code: "invalid_value")
    }

    /// A required field is absent or null.
    static func missing(_ param: String, _ expected: String) -> APIError {
        invalidRequest("\(param) is required: \(expected).", param: param, code: "missing_required_parameter")
    }

    /// A feature of the contract that would change the answer and is not built; `allowed` is what can stand there.
    static func unsupported(_ param: String, _ what: String, allowed: String? = nil) -> APIError {
        let rule = allowed.map { "; allowed: \($0)" } ?? ""
        return invalidRequest(
            "\(what) is not supported by this server\(rule).", param: param, code: "unsupported_parameter")
    }
}
