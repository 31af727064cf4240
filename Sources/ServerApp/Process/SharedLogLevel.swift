internal import Logging
internal import Synchronization

/// The least severe level that is logged, for all copies of a logger at once; SIGHUP may change it.
final class SharedLogLevel: Sendable {
    private let index: Atomic<Int>

    /// The level that the configuration names.
    init(_ configuration: ServerConfiguration) {
        index = Atomic(Self.index(configuration))
    }

    /// From the next line on, the level that the configuration names.
    func set(_ configuration: ServerConfiguration) {
        index.store(Self.index(configuration), ordering: .relaxed)
    }

    var value: Logger.Level { Logger.Level.allCases[index.load(ordering: .relaxed)] }

    private static func index(_ configuration: ServerConfiguration) -> Int {
        Logger.Level.allCases.firstIndex { $0.rawValue == configuration.logLevel } ?? 0
    }
}

/// Passes events on to another handler; its level is shared. Setting the level of a copy has no effect.
struct AdjustableLogHandler: LogHandler {
    private var handler: any LogHandler
    private let level: SharedLogLevel

    init(_ handler: any LogHandler, level: SharedLogLevel) {
        (self.handler, self.level) = (handler, level)
    }

    var logLevel: Logger.Level {
        get { level.value }
        set { _ = newValue }
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { handler.log(event: event) }
}
