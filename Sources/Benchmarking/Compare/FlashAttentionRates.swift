/// The peer's rates with flash attention and without; the better setting counts.
struct FlashAttentionRates {
    private var off: [Double] = []
    private var on: [Double] = []

    /// A setting so much slower than the other is not measured again.
    private static let hopeless = 0.9

    /// The settings to measure in the next turn: both, until one has lost a turn clearly.
    var settingsWorthMeasuring: [Bool] {
        guard let lastOff = off.last, let lastOn = on.last, off.count == on.count else {
            return off.isEmpty ? [false, true] : [flashAttentionIsBetter]
        }
        if lastOff < Self.hopeless * lastOn { return [true] }
        if lastOn < Self.hopeless * lastOff { return [false] }
        return [false, true]
    }

    mutating func add(_ rate: Double, flashAttention: Bool) {
        if flashAttention { on.append(rate) } else { off.append(rate) }
    }

    /// By the number of turns, then by the median.
    var flashAttentionIsBetter: Bool {
        on.count == off.count ? Summary(on).median > Summary(off).median : on.count > off.count
    }

    var better: [Double] { flashAttentionIsBetter ? on : off }
    var worse: [Double] { flashAttentionIsBetter ? off : on }
}
