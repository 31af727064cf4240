/// Reading and writing the texts of sizes, durations and ratios.
public enum ConfigurationText {
    private static let byteUnits: [(suffix: String, factor: Int)] = [
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
        ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000), ("b", 1),
    ]

    private static let timeUnits: [(suffix: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]

    /// `65536`, `64KiB`, `1.5GiB`, `2GB`; nil for anything else or what exceeds `Int`.
    public static func bytes(_ text: String) -> Int? {
        let lowered = text.lowercased()
        for (suffix, factor) in byteUnits where lowered.hasSuffix(suffix) {
            return scaled(lowered.dropLast(suffix.count), by: factor)
        }
        return scaled(lowered[...], by: 1)
    }

    /// `250ms`, `1.5s`, `5m`, `1h`; a bare number counts seconds.
    static func duration(_ text: String) -> Duration? {
        let lowered = text.lowercased()
        for (suffix, milliseconds) in timeUnits where lowered.hasSuffix(suffix) {
            return scaled(lowered.dropLast(suffix.count), by: milliseconds).map { .milliseconds($0) }
        }
        return scaled(lowered[...], by: 1000).map { .milliseconds($0) }
    }

    /// A decimal in 0...1 as millionths, exactly; nil beyond the range or finer than a millionth.
    static func millionths(_ text: String) -> Int? {
        guard let value = scaled(text[...], by: 1_000_000, isExact: true), value <= 1_000_000 else { return nil }
        return value
    }

    /// Decimal digits with at most one point, times `factor`. Integer arithmetic throughout.
    private static func scaled(_ digits: Substring, by factor: Int, isExact: Bool = false) -> Int? {
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let isDecimal = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
        guard isDecimal, let whole = Int(parts[0]) else { return nil }
        let (base, overflow) = whole.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        guard parts.count == 2 else { return base }
        guard parts[1].utf8.count <= 9, let fraction = Int(parts[1]) else { return nil }
        let denominator = (0..<parts[1].utf8.count).reduce(1) { power, _ in power * 10 }
        let (product, tooLarge) = fraction.multipliedReportingOverflow(by: factor)
        guard !tooLarge, !isExact || product % denominator == 0 else { return nil }
        let (sum, sumOverflow) = base.addingReportingOverflow(product / denominator)
        return sumOverflow ? nil : sum
    }

    /// Bytes in the largest binary unit that divides them, for messages and banners.
    static func byteText(_ bytes: Int) -> String {
        for (suffix, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where bytes >= 1 << shift && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(suffix)"
        }
        return "\(bytes)"
    }

    /// Milliseconds, seconds, minutes or hours, whichever is whole.
    static func durationText(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        if milliseconds == 0 { return "0s" }
        for (suffix, unit) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] where milliseconds % unit == 0 {
            return "\(milliseconds / unit)\(suffix)"
        }
        return "\(milliseconds)ms"
    }
}
