/// Why a thread team could not be made.
public enum ThreadTeamError: Error, Equatable, CustomStringConvertible {
    /// The operating system refused a thread.
    case threadRefused(number: Int, of: Int, errorNumber: Int32)

    public var description: String {
        switch self {
        case .threadRefused(let number, let count, let errorNumber):
            "thread \(number) of \(count) could not be started (error \(errorNumber)): use fewer or raise the limit"
        }
    }
}
