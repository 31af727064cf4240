/// Why a model could not be quantised, beside what reading and writing files report themselves.
public enum QuantizationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownType(String)
    /// The tensor has fewer bits already than what it could be quantised from.
    case alreadyQuantised(file: String, tensor: String, type: String)
    /// A value is NaN, infinite or too large for f16 scales.
    case valueOutOfRange(file: String, tensor: String)

    public var description: String {
        switch self {
        case .unknownType(let name):
            "the type '\(name)' is not known; it must be one of \(QuantizationType.names)"
        case .alreadyQuantised(let file, let tensor, let type):
            "\(file): tensor '\(tensor)' is \(type) already, and what that lost does not come back; quantise from a "
                + "file with F32, F16 or BF16 weights"
        case .valueOutOfRange(let file, let tensor):
            "\(file): tensor '\(tensor)' has a value that is not a number or is larger than 65504; it cannot be "
                + "quantised"
        }
    }
}
