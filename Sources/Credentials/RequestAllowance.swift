/// Counts requests against a limit per minute: a bucket that holds a minute's worth and refills steadily.
struct RequestAllowance: Sendable {
    private var left: Double
    private var mark: Duration

    /// A full bucket.
    init(perMinute: Int, now: Duration) {
        left = Double(perMinute)
        mark = now
    }

    /// Takes one request out. What is left to wait where there is none; the limit may change between calls.
    mutating func take(perMinute: Int, now: Duration) -> Duration? {
        let perSecond = Double(perMinute) / 60
        if now > mark {
            left += (now - mark) / .seconds(1) * perSecond
            mark = now
        }
        left = min(left, Double(perMinute))
        guard left >= 1 else { return .seconds((1 - left) / perSecond) }
        left -= 1
        return nil
    }
}
