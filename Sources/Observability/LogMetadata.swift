internal import Logging

/// The metadata of an event from its three sources.
enum LogMetadata {
    /// Handler, then provider, then event: the later source wins. Sorted by key, so that lines compare.
    static func merged(
        of handler: some LogHandler, event: LogEvent
    ) -> [(key: String, value: Logger.MetadataValue)] {
        var all = handler.metadata
        if let provided = handler.metadataProvider?.get() {
            all.merge(provided) { _, new in new }
        }
        if let own = event.metadata {
            all.merge(own) { _, new in new }
        }
        return all.sorted { $0.key < $1.key }
    }
}
