public import Logging

/// Writes each event as one line for people: time, level, message, then `key=value` pairs in alphabetical order.
public struct TextLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let sink: any LogSink

    /// A handler that drops events below `level`.
    public init(level: Logger.Level, sink: any LogSink) {
        self.sink = sink
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let level = "\(event.level)".uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - level.count))
        var line = "\(Timestamp.now()) \(level)\(padding) \(Self.unquoted(event.message.description))"
        if let error = event.error { line += " error=\(Self.word("\(error)"))" }
        for (key, value) in LogMetadata.merged(of: self, event: event) {
            line += " \(Self.unquoted(key))=\(Self.word(value.description))"
        }
        sink.write(line + "\n")
    }

    /// `text` with what could harm escaped; plain quotes stay as they are.
    private static func unquoted(_ text: String) -> String {
        text.split(separator: "\"", omittingEmptySubsequences: false).map { LogEscaping.escaped(String($0)) }
            .joined(separator: "\"")
    }

    /// `text` as one word: between quotes if it is empty or holds anything but letters, digits and plain punctuation.
    private static func word(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { scalar in
            (0x21..<0x7F).contains(scalar.value) && scalar != "\"" && scalar != "\\" && scalar != "="
        }
        return isPlain ? text : LogEscaping.quoted(text)
    }
}
