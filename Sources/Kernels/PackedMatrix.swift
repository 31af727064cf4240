internal import CKernels
public import Tensors

/// A weight matrix `[rows, columns]` in the layout that products walk: 16 rows side by side (blocks.h). It owns a copy
/// as large as the tensor's bytes, but for missing rows of the last 16 and what `ck_group_bytes` says. Immutable, for
/// every kernel table.
@safe public final class PackedMatrix: @unchecked Sendable {
    // Sendable: the bytes are never written after init.
    public let dtype: DType
    /// Outputs of a product.
    public let rows: Int
    /// Inputs of a product.
    public let columns: Int
    private let buffer: AlignedBuffer<UInt8>
    /// The same for threads that multiply; valid while `self` lives.
    let weights: PackedWeights

    /// Packs a matrix whose rows fill whole blocks. The tensor's pages of a mapped file are given back: packing must
    /// not hold the weights twice.
    public init(_ tensor: Tensor) {
        precondition(tensor.shape.count == 2, "packing a tensor of shape \(tensor.shape)")
        guard let rowBytes = tensor.dtype.byteCount(elements: tensor.columns) else {
            preconditionFailure("rows of \(tensor.columns) elements do not fill blocks of \(tensor.dtype)")
        }
        dtype = tensor.dtype
        rows = tensor.rows
        columns = tensor.columns
        let (rows, columns, type) = (rows, columns, dtype.kernelType)
        let groupBytes = ck_group_bytes(type, columns)
        let groups = (rows + Self.groupRows - 1) / Self.groupRows
        buffer = unsafe AlignedBuffer(uninitializedCount: groups * groupBytes)
        unsafe weights = PackedWeights(
            dtype: dtype, rows: rows, columns: columns, groupBytes: groupBytes, groups: UnsafeRawPointer(buffer.base))
        guard let source = unsafe tensor.bytes.baseAddress else { return }
        for group in 0..<groups {
            let first = group * Self.groupRows
            unsafe ck_pack(
                type, min(Self.groupRows, rows - first), columns, rowBytes, source + first * rowBytes,
                buffer.base + group * groupBytes)
        }
        tensor.releasePages()
    }

    /// Whether products round activations to 8 bits and multiply integers.
    public var multipliesIntegers: Bool { dtype.activationQuantisation != nil }

    /// Bytes held.
    public var byteCount: Int { buffer.byteCount }

    /// Rows that stand side by side; ranges of rows that threads share begin at multiples of it.
    static let groupRows = Int(CK_GROUP)
}

/// A packed matrix as threads see it while they multiply: addresses and counts, which nobody has to retain.
@unsafe struct PackedWeights {
    let dtype: DType
    let rows: Int
    let columns: Int
    let groupBytes: Int
    let groups: UnsafeRawPointer

    /// The group that begins with `row`, a multiple of `PackedMatrix.groupRows`.
    func group(ofRow row: Int) -> UnsafeRawPointer {
        unsafe precondition(row >= 0 && row < rows && row % PackedMatrix.groupRows == 0, "row \(row) of a matrix")
        return unsafe groups + row / PackedMatrix.groupRows * groupBytes
    }
}

extension DType {
    /// The kernels' name for the type.
    var kernelType: ck_type {
        switch self {
        case .f32: CK_F32
        case .f16: CK_F16
        case .bf16: CK_BF16
        case .q8_0: CK_Q8_0
        case .q4_0: CK_Q4_0
        case .q4_1: CK_Q4_1
        case .q5_0: CK_Q5_0
        case .q5_1: CK_Q5_1
        case .iq4_nl: CK_IQ4_NL
        case .q2_k: CK_Q2_K
        case .q3_k: CK_Q3_K
        case .q4_k: CK_Q4_K
        case .q5_k: CK_Q5_K
        case .q6_k: CK_Q6_K
        case .q8_k: CK_Q8_K
        case .iq4_xs: CK_IQ4_XS
        case .tq1_0: CK_TQ1_0
        case .tq2_0: CK_TQ2_0
        }
    }

    /// How activations are quantised for products with weights of this type; nil where they stay f32.
    public var activationQuantisation: ActivationQuantisation? {
        switch self {
        case .f32, .f16, .bf16: nil
        case .q8_0, .q8_k, .iq4_nl, .iq4_xs: ActivationQuantisation(zero: 128, span: 32)
        case .q5_0: ActivationQuantisation(zero: 16, span: 32)
        case .q4_0: ActivationQuantisation(zero: 8, span: 32)
        case .tq1_0, .tq2_0: ActivationQuantisation(zero: 1, span: 32)
        case .q4_1, .q5_1, .q4_k, .q5_k: ActivationQuantisation(zero: 0, span: 32)
        case .q6_k: ActivationQuantisation(zero: 32, span: 16)
        case .q3_k: ActivationQuantisation(zero: 4, span: 16)
        case .q2_k: ActivationQuantisation(zero: 1, span: 16)
        }
    }
}

/// What weights want of quantised activations (ck_quantize_fn).
public struct ActivationQuantisation: Equatable, Sendable {
    /// The stored weight that stands for zero.
    let zero: Int32
    /// Elements of a sum.
    let span: Int
}
