/// How the matrices of a written model are stored.
public enum WeightType: String, Sendable, CaseIterable {
    case f32, f16, q8_0, q4_0

    /// GGUF's number of the type.
    var typeNumber: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q8_0: 8
        }
    }

    /// GGUF's `general.file_type` of a file that is mostly this.
    var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q8_0: 7
        }
    }

    /// Elements and bytes of a block; rows hold whole blocks.
    var block: (elements: Int, bytes: Int) {
        switch self {
        case .f32: (1, 4)
        case .f16: (1, 2)
        case .q8_0: (32, 34)
        case .q4_0: (32, 18)
        }
    }

    func byteCount(elements: Int) -> Int { elements / block.elements * block.bytes }

    /// Appends one row of `elements` random values around 0 with the given standard deviation.
    ///
    /// Values are uniform, on the type's own grid: quantised blocks are drawn, not quantised, with one scale for all.
    func append(_ elements: Int, deviation: Float, from random: inout WeightRandom, to bytes: inout [UInt8]) {
        switch self {
        case .f32:
            for _ in 0..<elements { bytes.append(littleEndian: random.uniform(deviation).bitPattern) }
        case .f16:
            for _ in 0..<elements { bytes.append(littleEndian: Float16(random.uniform(deviation)).bitPattern) }
        case .q8_0:
            // Uniform on -127...127: deviation 127 / √3.
            let scale = Float16(deviation / 73.32).bitPattern
            for _ in 0..<elements / 32 {
                bytes.append(littleEndian: scale)
                for _ in 0..<4 { bytes.append(littleEndian: random.signedBytes()) }
            }
        case .q4_0:
            // Uniform on -7...7, and 0 twice: deviation √17.5.
            let scale = Float16(deviation / 4.183).bitPattern
            for _ in 0..<elements / 32 {
                bytes.append(littleEndian: scale)
                for _ in 0..<2 { bytes.append(littleEndian: random.centredNibbles()) }
            }
        }
    }
}

/// The stream of random weights of one tensor: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct WeightRandom {
    private var state: UInt64

    /// Streams of one seed differ, and none depends on how much another drew.
    init(seed: UInt64, stream: Int) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(truncatingIfNeeded: stream) &* 0xA076_1D64_78BD_642F
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// Uniform around 0 with the given standard deviation.
    mutating func uniform(_ deviation: Float) -> Float {
        (Float(next() >> 40) * 0x1p-23 - 1) * deviation * 1.732_050_8
    }

    /// Eight int8, none of them -128.
    mutating func signedBytes() -> UInt64 {
        let bits = next()
        // The high bit of each byte that is 0x80 and nothing else.
        let low = bits & 0x7F7F_7F7F_7F7F_7F7F
        let isZeroBelow = ~((low &+ 0x7F7F_7F7F_7F7F_7F7F) | low) & 0x8080_8080_8080_8080
        return bits & ~isZeroBelow
    }

    /// Sixteen nibbles from 1 to 15; what would be 0 is 8, the nibble of the value 0.
    mutating func centredNibbles() -> UInt64 {
        let bits = next()
        let low = bits & 0x7777_7777_7777_7777
        let isZero = ~((low &+ 0x7777_7777_7777_7777) | low | bits) & 0x8888_8888_8888_8888
        return bits | isZero
    }
}

extension [UInt8] {
    /// The integer's bytes, the lowest first.
    mutating func append(littleEndian integer: some FixedWidthInteger) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}
