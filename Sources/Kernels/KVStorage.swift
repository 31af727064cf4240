internal import CKernels

/// How a cache stores rows of keys and values, by the names of the API.
public enum KVStorage: String, Sendable, CaseIterable {
    case f16, f32, bf16
    /// Blocks of 32 elements, the last one filled up with zeros: one bf16 scale and 32 int8 `q` for each, the scales of
    /// a row before its `q`; value = scale·q. Keys meet queries of 8-bit integers.
    case q8
    /// The same with 16 bytes of two 4-bit `q` for each block; value = scale·(q − 8).
    case q4

    /// Elements that share a scale where rows are stored in blocks.
    static let blockElements = 32

    /// Whether rows are integers in blocks with scales.
    var isBlocked: Bool { self == .q8 || self == .q4 }

    /// Bytes of a row.
    public func rowBytes(headDim: Int) -> Int {
        let blocks = (headDim + Self.blockElements - 1) / Self.blockElements
        return switch self {
        case .f32: 4 * headDim
        case .f16, .bf16: 2 * headDim
        case .q8: blocks * 34
        case .q4: blocks * 18
        }
    }

    /// The largest `rowBytes` of all.
    public static func largestRowBytes(headDim: Int) -> Int {
        allCases.map { $0.rowBytes(headDim: headDim) }.max() ?? 0
    }

    /// Bytes of a query as `KernelTable.prepareQueries` lays it out for keys stored in blocks.
    public static func queryBytes(headDim: Int) -> Int {
        (headDim + blockElements - 1) / blockElements * MemoryLayout<ck_block>.stride
    }

    /// The stored weight that stands for 0 in a block's integer sum.
    var zero: Int32 { self == .q8 ? 128 : 8 }
}
