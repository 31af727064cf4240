public import Logging

/// Writes each event as one line of JSON: `ts`, `level`, `event` (the message), `logger`, then the metadata's own keys
/// in alphabetical order. Numbers and booleans of the metadata stay numbers and booleans.
public struct JSONLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let label: String
    private let sink: any LogSink

    /// A handler for the logger `label` that drops events below `level`.
    public init(label: String, level: Logger.Level, sink: any LogSink) {
        self.label = label
        self.sink = sink
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = "{\"ts\":\"\(Timestamp.now())\",\"level\":\"\(event.level)\""
        line += ",\"event\":\(LogEscaping.quoted(event.message.description))"
        line += ",\"logger\":\(LogEscaping.quoted(label))"
        if let error = event.error { line += ",\"error\":\(LogEscaping.quoted("\(error)"))" }
        for (key, value) in LogMetadata.merged(of: self, event: event) where !Self.reservedKeys.contains(key) {
            line += ",\(LogEscaping.quoted(key)):\(Self.json(value))"
        }
        sink.write(line + "}\n")
    }

    /// Keys that an event sets itself; metadata of the same name would make the object ambiguous.
    private static let reservedKeys: Set<String> = ["ts", "level", "event", "logger", "error"]

    private static func json(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return LogEscaping.quoted(text)
        case .stringConvertible(let value): return json(convertible: value)
        case .array(let elements): return "[" + elements.map(json).joined(separator: ",") + "]"
        case .dictionary(let members):
            let pairs = members.sorted { $0.key < $1.key }.map { "\(LogEscaping.quoted($0.key)):\(json($0.value))" }
            return "{" + pairs.joined(separator: ",") + "}"
        }
    }

    private static func json(convertible value: any CustomStringConvertible) -> String {
        switch value {
        case let number as any BinaryInteger: number.description
        case let number as Double where number.isFinite: number.description
        case let number as Float where number.isFinite: number.description
        case let flag as Bool: flag.description
        default: LogEscaping.quoted(value.description)
        }
    }
}
