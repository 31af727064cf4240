/// Element types of weights and caches. Quantised types are stored in blocks of 32 or 256 (the layouts of GGUF).
///
/// In the layouts below `d`, `m` and `dmin` are f16 unless said. The `nibbles` of 32 elements are 16 bytes whose lower
/// halves hold elements 0 to 15, the upper ones 16 to 31. Bits of 256 elements stand in groups of 32 bytes: with 2 bits
/// each, bits 2p and 2p + 1 of byte 32·h + i belong to element 128·h + 32·p + i; with one, bit p of byte i to element
/// 32·p + i.
public enum DType: Sendable, Hashable, CaseIterable {
    case f32, f16, bf16
    /// Blocks of 32: `d`, 32 int8 `q`; value = d·q.
    case q8_0
    /// Blocks of 32: `d`, nibbles `q`; value = d·(q−8).
    case q4_0
    /// Blocks of 32: `d`, `m`, nibbles `q`; value = d·q + m.
    case q4_1
    /// Blocks of 32: `d`, 4 bytes of which bit i is the highest of element i, nibbles; value = d·(q−16).
    case q5_0
    /// Blocks of 32: `d`, `m`, 4 bytes of highest bits, nibbles; value = d·q + m.
    case q5_1
    /// Blocks of 32: `d`, nibbles `q`; value = d·t[q] with a table t of 16 int8 that are denser around 0.
    case iq4_nl
    /// Blocks of 256: 16 bytes for 16 elements each, the lower half a scale `s`, the upper a minimum `m`; 64 bytes of
    /// 2-bit `q`; `d`, `dmin`; value = d·s·q − dmin·m.
    case q2_k
    /// Blocks of 256: 32 bytes of highest bits, 64 bytes of the lower 2 bits of `q`, 12 bytes of 6-bit `s`, `d`;
    /// value = d·(s−32)·(q−4). The lower 4 bits of the 16 `s` stand in 8 bytes, the upper 2 in 4.
    case q3_k
    /// Blocks of 256, eight parts of 32: `d`, `dmin`, 12 bytes of 6-bit `s` and `m` for each part, 128 bytes of
    /// two 4-bit `q`; byte 32·c + i holds elements 64·c + i (low) and 64·c + 32 + i (high); value = d·s·q − dmin·m.
    /// Of the 12 bytes, 0 to 3 and 4 to 7 hold `s` and `m` of parts 0 to 3 in their lower 6 bits, 8 to 11 the lower
    /// halves of `s` (low) and `m` (high) of parts 4 to 7, whose upper 2 bits are those of bytes 0 to 3 and 4 to 7.
    case q4_k
    /// As `q4_k`, with 32 bytes of highest bits before the 128 bytes.
    case q5_k
    /// Blocks of 256: 128 bytes of the lower 4 bits and 64 bytes of the upper 2 bits of `q`, 16 int8 `s`, each for 16
    /// elements, `d`; value = d·s·(q−32). With element 128·h + 32·p + i: the lower bits stand in byte
    /// 64·h + 32·(p mod 2) + i, low for p < 2, else high; the upper in bits 2p and 2p + 1 of byte 32·h + i.
    case q6_k
    /// Blocks of 256: f32 `d`, 256 int8 `q`, 16 int16 sums of 16 `q`, which follow from them; value = d·q.
    case q8_k
    /// Blocks of 256, eight parts of 32: `d`, 2 bytes of the upper 2 bits and 4 bytes of the lower 4 bits of `s`,
    /// nibbles of each part; value = d·(s−32)·t[q] with the table of `iq4_nl`.
    case iq4_xs
    /// Blocks of 256 of −d, 0 and d: 32 bytes of 5 elements each, 16 bytes of 5, 4 bytes of 4, as digits in base 3 of
    /// fractions of 256; `d`.
    case tq1_0
    /// Blocks of 256: 64 bytes of 2-bit `q`, `d`; value = d·(q−1).
    case tq2_0

    /// Elements per block; 1 for plain types.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_nl: 32
        case .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .q8_k, .iq4_xs, .tq1_0, .tq2_0: 256
        }
    }

    /// Bytes per block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q8_0: 34
        case .q4_0, .iq4_nl: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q2_k: 84
        case .q3_k: 110
        case .q4_k: 144
        case .q5_k: 176
        case .q6_k: 210
        case .q8_k: 292
        case .iq4_xs: 136
        case .tq1_0: 54
        case .tq2_0: 66
        }
    }

    /// Bytes of `elements` elements, or nil where they do not fill whole blocks or the product overflows.
    public func byteCount(elements: Int) -> Int? {
        guard elements >= 0, elements % blockElements == 0 else { return nil }
        let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : bytes
    }

    /// The field's usual name: `F32`, `Q8_0`, …
    public var name: String { "\(self)".uppercased() }
}
