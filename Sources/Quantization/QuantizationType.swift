public import Tensors

/// How a model is quantised: the type of most of its matrices and which of them get more bits, as llama.cpp names it.
public enum QuantizationType: String, Sendable, CaseIterable {
    case f16 = "F16"
    case bf16 = "BF16"
    case q8_0 = "Q8_0"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q4_k_s = "Q4_K_S"
    case q4_k_m = "Q4_K_M"
    case q5_k_s = "Q5_K_S"
    case q5_k_m = "Q5_K_M"
    case q6_k = "Q6_K"

    /// By name, in letters of any case; `Q4_K` and `Q5_K` are the `_M` mixes.
    public init(name: String) throws(QuantizationError) {
        let upper = name.uppercased()
        let full = upper == "Q4_K" || upper == "Q5_K" ? upper + "_M" : upper
        guard let type = Self(rawValue: full) else { throw .unknownType(name) }
        self = type
    }

    /// The names that `init(name:)` knows, for messages.
    public static var names: String {
        allCases.map(\.rawValue).joined(separator: ", ") + "; Q4_K and Q5_K mean Q4_K_M and Q5_K_M"
    }

    /// The type of most matrices.
    public var base: DType {
        switch self {
        case .f16: .f16
        case .bf16: .bf16
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q5_0: .q5_0
        case .q5_1: .q5_1
        case .q4_k_s, .q4_k_m: .q4_k
        case .q5_k_s, .q5_k_m: .q5_k
        case .q6_k: .q6_k
        }
    }

    /// GGUF's `general.file_type`.
    var fileType: UInt32 {
        switch self {
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q4_k_s: 14
        case .q4_k_m: 15
        case .q5_k_s: 16
        case .q5_k_m: 17
        case .q6_k: 18
        case .bf16: 32
        }
    }
}
