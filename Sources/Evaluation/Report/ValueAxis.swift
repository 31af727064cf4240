internal import Glibc

/// A linear axis with ticks at 1, 2 or 5 times a power of ten.
struct ValueAxis: Equatable {
    let low: Double
    let high: Double
    let ticks: [Double]
    /// Digits after the point that tell the ticks apart.
    let decimals: Int

    /// Covers all values; `fromZero` lets the axis begin at 0.
    init(values: [Double], fromZero: Bool) {
        let smallest = min(fromZero ? 0 : .infinity, values.min() ?? 0)
        let largest = max(values.max() ?? 1, smallest + 1e-6)
        let raw = (largest - smallest) / 5
        let power = pow(10, floor(log10(raw)))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? 10 * power
        let first = floor(smallest / step + 1e-9)
        let last = ceil(largest / step - 1e-9)
        low = first * step
        high = last * step
        ticks = (Int(first)...Int(last)).map { Double($0) * step }
        decimals = max(0, Int(-floor(log10(step) + 1e-9)))
    }
}
