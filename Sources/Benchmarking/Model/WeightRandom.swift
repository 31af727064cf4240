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
}

extension [UInt8] {
    /// The integer's bytes, the lowest first.
    mutating func append(littleEndian integer: some FixedWidthInteger) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}
