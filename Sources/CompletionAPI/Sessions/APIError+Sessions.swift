internal import JSON

/// What a server can have against a call about sessions.
extension APIError {
    /// The owner has no session of that name.
    public static func sessionNotFound(_ message: String) -> APIError {
        APIError(
            status: 404, type: "not_found_error", message: message, param: "session_id", code: "session_not_found")
    }

    /// It has ended.
    public static func sessionExpired(_ message: String) -> APIError {
        APIError(status: 404, type: "not_found_error", message: message, param: "session_id", code: "session_expired")
    }

    /// A request uses it.
    public static func sessionBusy(_ message: String, retryAfterSeconds: Int) -> APIError {
        APIError(
            status: 409, type: "conflict_error", message: message, param: "session_id", code: "session_busy",
            retryAfterSeconds: retryAfterSeconds)
    }

    /// The name is taken: no use to repeat, so a plain 400.
    public static func sessionExists(_ message: String) -> APIError {
        invalidRequest(message, param: "id", code: "session_exists")
    }

    /// The prompt is no continuation of the session.
    public static func sessionDiverged(_ message: String, param: String) -> APIError {
        invalidRequest(message, param: param, code: "session_diverged")
    }

    /// As many sessions as there may be.
    public static func tooManySessions(_ message: String) -> APIError {
        APIError(
            status: 429, type: "rate_limit_error", message: message, param: nil, code: "too_many_sessions",
            retryAfterSeconds: 30)
    }

    /// A name that no session can have.
    public static func badSessionID(_ id: String, param: String) -> APIError {
        invalidValue(param, "1 to 64 letters, digits and . _ -", given: .string(id))
    }

    /// Nowhere to save sessions to.
    public static var sessionFilesDisabled: APIError {
        invalidRequest(
            "Sessions are neither saved nor restored here: the server was started without session_save_path.",
            param: nil, code: "session_files_disabled")
    }

    /// A name that no file can have.
    public static func badSessionFileName(_ message: String) -> APIError {
        invalidRequest(message, param: "filename", code: "invalid_value")
    }

    public static func sessionFileNotFound(_ message: String) -> APIError {
        APIError(
            status: 404, type: "not_found_error", message: message, param: "filename", code: "session_file_not_found")
    }

    /// Damaged, of another model, or otherwise not to be restored.
    public static func sessionFileRefused(_ message: String) -> APIError {
        invalidRequest(message, param: "filename", code: "session_file_invalid")
    }

    /// The file system refused.
    public static func sessionFileFailed(_ message: String) -> APIError {
        APIError(
            status: 507, type: "server_error", message: message, param: "filename", code: "session_file_failed")
    }
}
