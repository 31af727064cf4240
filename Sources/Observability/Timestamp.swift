/// The wall clock as log lines show it.
enum Timestamp {
    /// The time now in UTC, to the millisecond: `2026-11-21T07:50:55.123Z`.
    static func now() -> String {
        let time = SystemCalls.wallClock()
        return text(seconds: time.seconds, milliseconds: time.nanoseconds / 1_000_000)
    }

    /// Seconds since 1970 as RFC 3339 text.
    static func text(seconds: Int, milliseconds: Int) -> String {
        let time = SystemCalls.calendar(seconds: seconds)
        let day = "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))"
        let clock = "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
        return "\(day)T\(clock).\(padded(milliseconds, 3))Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
