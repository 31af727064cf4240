internal import Glibc
internal import Logging
internal import Observability

/// The log of the process: lines on standard error.
enum Logs {
    /// A logger in the configured form. Nothing is bootstrapped globally; the logger is passed to whoever logs.
    static func logger(_ configuration: ServerConfiguration, level: SharedLogLevel? = nil) -> Logger {
        let level = level ?? SharedLogLevel(configuration)
        let isText =
            switch configuration.logFormat {
            case .text: true
            case .json: false
            case .auto: ProcessEnvironment.standardErrorIsTerminal
            }
        let sink = DescriptorLogSink(descriptor: STDERR_FILENO)
        return Logger(label: "keyhold") { label in
            let handler: any LogHandler =
                isText
                ? TextLogHandler(level: .trace, sink: sink) : JSONLogHandler(label: label, level: .trace, sink: sink)
            return AdjustableLogHandler(handler, level: level)
        }
    }
}
