/// Element types of weights and caches. Quantised types are stored in blocks of 32 (the layouts of GGUF).
public enum DType: Sendable, Hashable, CaseIterable {
    case f32, f16, bf16
    /// Blocks of 32: one f16 scale `d`, 32 int8 `q`; value = d·q.
    case q8_0
    /// Blocks of 32: one f16 scale `d`, 16 bytes of two 4-bit `q`; byte i holds elements i (low) and i+16 (high);
    /// value = d·(q−8).
    case q4_0

    /// Elements per block; 1 for plain types.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0: 32
        }
    }

    /// Bytes per block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q8_0: 34
        case .q4_0: 18
        }
    }

    /// Bytes of `elements` elements, or nil where they do not fill whole blocks or the product overflows.
    public func byteCount(elements: Int) -> Int? {
        guard elements >= 0, elements % blockElements == 0 else { return nil }
        let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : bytes
    }

    /// The field's usual name: `F32`, `Q8_0`, …
    public var name: String {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .q8_0: "Q8_0"
        case .q4_0: "Q4_0"
        }
    }
}
