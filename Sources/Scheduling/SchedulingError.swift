/// Why a set of limits cannot run. Each text says what to change.
public enum SchedulingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A limit lies outside its range.
    case outOfRange(limit: String, value: Int, allowed: ClosedRange<Int>)

    /// One line for the operator.
    public var description: String {
        switch self {
        case .outOfRange(let limit, let value, let allowed):
            "\(limit) is \(value); it must be \(allowed.lowerBound) to \(allowed.upperBound)"
        }
    }
}
