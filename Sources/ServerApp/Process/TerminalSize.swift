internal import Glibc

/// How much a terminal shows.
struct TerminalSize: Equatable {
    let columns: Int
    let rows: Int

    /// Of standard output; 120 by 24 where it is no terminal.
    static var current: TerminalSize {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 2 else {
            return TerminalSize(columns: 120, rows: 24)
        }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}
