internal import JSON

/// An answer that is an error: HTTP status, headers and the body
/// `{"error":{"message","type","param","code"}}` of the OpenAI contract.
public struct APIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// HTTP status.
    public let status: Int
    /// Class of the error, such as `invalid_request_error`.
    public let type: String
    /// Says what was given, what is allowed and what to change.
    public let message: String
    /// Path of the field at fault, such as `messages[2].content[0].type`; nil where no single field is.
    public let param: String?
    /// Finer class for programs, such as `context_length_exceeded`.
    public let code: String?
    /// When to come back, 1...120: client libraries sleep that long, and give up at once above 120.
    public let retryAfterSeconds: Int?
    /// Methods the path has, for 405.
    public let allowedMethods: [String]

    /// Clamps `retryAfterSeconds` to what clients accept.
    init(
        status: Int, type: String, message: String, param: String?, code: String?, retryAfterSeconds: Int? = nil,
        allowedMethods: [String] = []
    ) {
        self.status = status
        self.type = type
        self.message = message
        self.param = param
        self.code = code
        self.retryAfterSeconds = retryAfterSeconds.map { min(max($0, 1), 120) }
        self.allowedMethods = allowedMethods
    }

    /// The message.
    public var description: String { message }

    /// Headers of the answer beside the content's type and length. A 4xx that would fail again says so:
    /// client libraries repeat some of them otherwise.
    public var headers: [(String, String)] {
        var headers: [(String, String)] = []
        if let retryAfterSeconds { headers.append(("Retry-After", String(retryAfterSeconds))) }
        if status == 401 { headers.append(("WWW-Authenticate", "Bearer realm=\"keyhold\"")) }
        if !allowedMethods.isEmpty { headers.append(("Allow", allowedMethods.joined(separator: ", "))) }
        if (400..<500).contains(status) && ![408, 409, 429].contains(status) {
            headers.append(("x-should-retry", "false"))
        }
        return headers
    }

    /// The JSON body.
    public func body() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// The error inside a stream whose status was already sent, followed by the stream's end.
    public func streamFrames() -> [UInt8] {
        ServerSentEvents.frame { writer in write(to: &writer) } + ServerSentEvents.done
    }

    private func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.key("message")
        writer.string(message)
        writer.key("type")
        writer.string(type)
        writer.key("param")
        writer.stringOrNull(param)
        writer.key("code")
        writer.stringOrNull(code)
        writer.endObject()
        writer.endObject()
    }
}

extension JSONWriter {
    /// A value that is a string or null.
    mutating func stringOrNull(_ text: String?) {
        if let text { string(text) } else { null() }
    }
}
