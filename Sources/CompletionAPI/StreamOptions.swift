internal import JSON

/// How a streamed answer reports usage.
public struct StreamOptions: Sendable, Equatable {
    /// A last chunk with `usage` and no choices; every other chunk then carries `usage: null`.
    public var includeUsage = false
    /// Every chunk carries the tokens so far.
    public var continuousUsage = false

    /// No usage.
    public init() {}

    /// Nil when the answer is not streamed. `stream_options` is legal only with `stream: true`.
    static func decode(_ reader: inout FieldReader) throws(APIError) -> StreamOptions? {
        let isStreamed = try reader.boolean("stream") ?? false
        guard var fields = try reader.members("stream_options") else { return isStreamed ? StreamOptions() : nil }
        guard isStreamed else {
            throw .invalidRequest(
                "stream_options is allowed only with stream: true.", param: "stream_options", code: "invalid_value")
        }
        var options = StreamOptions()
        options.includeUsage = try fields.boolean("include_usage") ?? false
        options.continuousUsage = try fields.boolean("continuous_usage_stats") ?? false
        _ = try fields.boolean("include_obfuscation")
        return options
    }
}
