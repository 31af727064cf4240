/// Numbers as text with a fixed number of decimals.
enum DecimalText {
    /// Rounded to nearest; `-0.00` is written as `0.00`. What is not finite or beyond 10^15 keeps Swift's own form.
    static func text(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15, (0...6).contains(decimals) else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(scaled)" }
        let unit = Int(scale)
        let fraction = String(scaled % unit)
        return "\(sign)\(scaled / unit)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
