internal import JSON

/// Frames of `text/event-stream` as OpenAI clients expect them.
public enum ServerSentEvents {
    /// Value of the `Content-Type` header.
    public static let contentType = "text/event-stream; charset=utf-8"
    /// The last frame of every stream.
    public static let done = Array("data: [DONE]\n\n".utf8)
    /// A comment that keeps proxies from closing a silent connection.
    public static let ping = Array(": ping\n\n".utf8)

    /// One `data:` frame around the JSON that `write` writes.
    static func frame(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(after: prefix)
        write(&writer)
        return writer.bytes + frameEnd
    }

    private static let prefix = Array("data: ".utf8)
    private static let frameEnd = Array("\n\n".utf8)
}
