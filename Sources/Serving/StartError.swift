/// Why the service could not start.
public enum StartError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kernel refused the engine thread.
    case noThread(errno: Int32)

    public var description: String {
        switch self {
        case .noThread(let errno):
            "no engine thread (errno \(errno)); raise the limits of threads and memory"
        }
    }
}
