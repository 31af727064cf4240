/// One line on the terminal that is written over again and again; nothing where standard error is no terminal.
public final class ProgressBar {
    private let isShown = ProcessEnvironment.standardErrorIsTerminal

    public init() {}

    /// Replaces the line.
    public func show(_ line: String) {
        if isShown { StandardError.write("\r\u{1B}[K\(line)") }
    }

    /// Clears the line.
    public func end() {
        if isShown { StandardError.write("\r\u{1B}[K") }
    }
}
