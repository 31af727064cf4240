/// Element types of weights and caches. Quantised types are stored in blocks of 32 or 256 (the layouts of GGUF).
public enum DType: Sendable, Hashable, CaseIterable {
    case f32, f16, bf16
    /// Blocks of 32: one f16 scale `d`, 32 int8 `q`; value = d·q.
    case q8_0
    /// Blocks of 32: one f16 scale `d`, 16 bytes of two 4-bit `q`; byte i holds elements i (low) and i+16 (high);
    /// value = d·(q−8).
    case q4_0
    /// Blocks of 256, eight parts of 32: f16 `d` and `dmin`, 12 bytes of 6-bit `s` and `m` for each part, 128 bytes of
    /// two 4-bit `q`; byte 32·c + i holds elements 64·c + i (low) and 64·c + 32 + i (high); value = d·s·q − dmin·m.
    /// Of the 12 bytes, 0 to 3 and 4 to 7 hold `s` and `m` of parts 0 to 3 in their lower 6 bits, 8 to 11 the lower
    /// halves of `s` (low) and `m` (high) of parts 4 to 7, whose upper 2 bits are those of bytes 0 to 3 and 4 to 7.
    case q4_k
    /// Blocks of 256: 128 bytes of the lower 4 bits and 64 bytes of the upper 2 bits of `q`, 16 int8 `s`, each for 16
    /// elements, f16 `d`; value = d·s·(q−32). With element 128·h + 32·p + i: the lower bits stand in byte
    /// 64·h + 32·(p mod 2) + i, low for p < 2, else high; the upper in bits 2p and 2p + 1 of byte 32·h + i.
    case q6_k

    /// Elements per block; 1 for plain types.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0: 32
        case .q4_k, .q6_k: 256
        }
    }

    /// Bytes per block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q8_0: 34
        case .q4_0: 18
        case .q4_k: 144
        case .q6_k: 210
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
        case .q4_k: "Q4_K"
        case .q6_k: "Q6_K"
        }
    }
}
