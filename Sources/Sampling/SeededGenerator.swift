/// Uniform numbers from a counter: number `index` of a seed is a pure function of the two, on every machine.
///
/// Both steps are the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// OOPSLA 2014): `key = mix(seed + choice)`, number i = `mix(key + (i + 1) * 0x9E3779B97F4A7C15)`, all modulo 2^64.
public struct SeededGenerator: Sendable, Equatable {
    private static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

    private let key: UInt64

    /// The generator of choice `choice` of a request; choice i of seed s equals choice 0 of seed s + i.
    public init(seed: UInt64, choice: Int) {
        key = Self.mix(seed &+ UInt64(truncatingIfNeeded: choice))
    }

    /// Number `index`, in 0..<1 with 53 random bits.
    public func uniform(_ index: UInt64) -> Double {
        Double(Self.mix(key &+ (index &+ 1) &* Self.gamma) >> 11) * 0x1p-53
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
