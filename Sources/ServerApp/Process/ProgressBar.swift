/// One line on the terminal that is written over again and again; nothing where standard error is no terminal.
final class ProgressBar {
    private let isShown = ProcessEnvironment.standardErrorIsTerminal

    /// Replaces the line.
    func show(_ line: String) {
        if isShown { StandardError.write("\r\u{1B}[K\(line)") }
    }

    /// Clears the line.
    func end() {
        if isShown { StandardError.write("\r\u{1B}[K") }
    }
}
