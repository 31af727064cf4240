internal import Synchronization

/// Takes the finished lines of a log. One line is written whole; lines of different threads do not mix.
public protocol LogSink: Sendable {
    /// Writes `line`, which ends in a line feed.
    func write(_ line: String)
}

/// Writes to a file descriptor, such as 2 for standard error. A line that cannot be written is dropped: a full disk or
/// a closed pipe must not stop the server.
public final class DescriptorLogSink: LogSink {
    private let descriptor: Int32
    private let turn = Mutex(())

    /// The descriptor stays the caller's; it is not closed.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    public func write(_ line: String) {
        let bytes = Array(line.utf8)
        turn.withLock { _ in SystemCalls.write(bytes, to: descriptor) }
    }
}
