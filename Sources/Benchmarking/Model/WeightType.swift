internal import ModelFiles
internal import Tensors

/// How the matrices of a written model are stored.
public enum WeightType: String, Sendable, CaseIterable {
    case f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl
    case q2_k, q3_k, q4_k, q5_k, q6_k, q8_k, iq4_xs, tq1_0, tq2_0

    /// The element type of that name.
    var dtype: DType {
        guard let dtype = DType.allCases.first(where: { $0.name == rawValue.uppercased() }) else {
            preconditionFailure("there is no element type \(rawValue)")
        }
        return dtype
    }

    /// GGUF's number of the type.
    var typeNumber: UInt32 { dtype.ggufNumber }

    /// GGUF's `general.file_type` of a file that is mostly this, as llama.cpp numbers them; it has none for Q8_K.
    var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0, .q8_k: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q2_k: 10
        case .q3_k: 11
        case .q4_k: 14
        case .q5_k: 16
        case .q6_k: 18
        case .iq4_nl: 25
        case .iq4_xs: 30
        case .bf16: 32
        case .tq1_0: 36
        case .tq2_0: 37
        }
    }

    func byteCount(elements: Int) -> Int { elements / dtype.blockElements * dtype.blockBytes }

    /// Appends one row of `elements` random values around 0 with the given standard deviation.
    ///
    /// Values are uniform, on the type's own grid: quantised blocks are drawn, not quantised, with one scale for all.
    /// Its sign is random, which makes up for grids that are not even around 0.
    func append(_ elements: Int, deviation: Float, from random: inout WeightRandom, to bytes: inout [UInt8]) {
        switch self {
        case .f32:
            for _ in 0..<elements { bytes.append(littleEndian: random.uniform(deviation).bitPattern) }
        case .f16:
            for _ in 0..<elements { bytes.append(littleEndian: Float16(random.uniform(deviation)).bitPattern) }
        case .bf16:
            for _ in 0..<elements {
                bytes.append(littleEndian: UInt16((random.uniform(deviation).bitPattern &+ 0x8000) >> 16))
            }
        default:
            let block = RandomBlock(self)
            for _ in 0..<elements / dtype.blockElements {
                block.append(deviation: deviation, from: &random, to: &bytes)
            }
        }
    }
}
