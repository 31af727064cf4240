/// The exponential function from additions and multiplications only, so that its last bit does not depend on the C
/// library or on whether the CPU fuses multiply and add.
enum Exponential {
    /// Below this, `ofNonPositive` is 0. e^-50 times the largest vocabulary is far below half a unit in the last place
    /// of a sum that contains e^0.
    static let lowest = -50.0

    private static let log2e = 1.4426950408889634
    /// ln 2 in two parts; the upper one has so few bits that `k * ln2High` is exact.
    private static let ln2High = 6.93147180369123816490e-01
    private static let ln2Low = 1.90821492927058770002e-10
    /// 1.5 * 2^52: adding and subtracting it rounds to the nearest integer.
    private static let rounder = 6_755_399_441_055_744.0

    /// e^x for x <= 0, within two units in the last place.
    static func ofNonPositive(_ x: Double) -> Double {
        guard x >= lowest else { return 0 }
        let k = (x * log2e + rounder) - rounder
        let r = (x - k * ln2High) - k * ln2Low
        // Taylor to r^13: |r| <= ln 2 / 2, so the next term is below 2^-57.
        var sum = 1.0 / 6_227_020_800
        sum = sum * r + 1.0 / 479_001_600
        sum = sum * r + 1.0 / 39_916_800
        sum = sum * r + 1.0 / 3_628_800
        sum = sum * r + 1.0 / 362_880
        sum = sum * r + 1.0 / 40_320
        sum = sum * r + 1.0 / 5_040
        sum = sum * r + 1.0 / 720
        sum = sum * r + 1.0 / 120
        sum = sum * r + 1.0 / 24
        sum = sum * r + 1.0 / 6
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        return sum * Double(bitPattern: UInt64(Int64(k) + 1023) << 52)
    }
}
