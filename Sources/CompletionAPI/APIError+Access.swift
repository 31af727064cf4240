/// Refusals that have to do with who asks.
extension APIError {
    /// No key was sent, or one that nobody has.
    public static func unauthorized(isKeyPresent: Bool) -> APIError {
        APIError(
            status: 401, type: "authentication_error",
            message: isKeyPresent
                ? "The API key is not valid here."
                : "An API key is needed: send the header Authorization: Bearer YOUR_KEY.",
            param: nil, code: "invalid_api_key")
    }

    /// The key is valid and not for this.
    public static func forbidden(_ path: String) -> APIError {
        APIError(
            status: 403, type: "permission_error",
            message: "This key may not see \(path): its entry under api_keys needs admin: true.", param: nil,
            code: "permission_denied")
    }

    /// A web page that may not call the server made the browser send this.
    public static var originNotAllowed: APIError {
        APIError(
            status: 403, type: "permission_error",
            message: "Pages of this origin may not call the server; cors_origins lists those that may.", param: nil,
            code: "origin_not_allowed")
    }

    /// A limit of the sender's key is reached.
    public static func keyLimitExceeded(
        key: String, limit: String, allowed: Int, retryAfterSeconds: Int
    ) -> APIError {
        APIError(
            status: 429, type: "rate_limit_error",
            message: "The limit \(limit) of the key '\(key)' is reached: \(allowed). "
                + "Try again in \(retryAfterSeconds) s.",
            param: nil, code: "rate_limit_exceeded", retryAfterSeconds: retryAfterSeconds)
    }

    /// `priority` is above what the sender may ask for.
    public static func priorityTooHigh(_ priority: Int, highest: Int) -> APIError {
        invalidRequest(
            "priority must be an integer from -1000 to \(highest) here, not \(priority).", param: "priority",
            code: "invalid_value")
    }
}
