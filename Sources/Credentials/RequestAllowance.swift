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
        refill(perMinute: perMinute, now: now)
        guard left >= 1 else { return .seconds((1 - left) * 60 / Double(perMinute)) }
        left -= 1
        return nil
    }

    /// What is in it.
    mutating func standing(perMinute: Int, now: Duration) -> RequestStanding {
        refill(perMinute: perMinute, now: now)
        return RequestStanding(
            limit: perMinute, remaining: Int(left), reset: .seconds((Double(perMinute) - left) * 60 / Double(perMinute))
        )
    }

    private mutating func refill(perMinute: Int, now: Duration) {
        if now > mark {
            left += (now - mark) / .seconds(1) * Double(perMinute) / 60
            mark = now
        }
        left = min(left, Double(perMinute))
    }
}
