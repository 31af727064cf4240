internal import Credentials

/// The headers in which OpenAI's API says how far a key is from its limit of requests.
enum RateLimitHeaders {
    /// In lower case, for `Access-Control-Expose-Headers`.
    static let names = ["limit", "remaining", "reset"].map { "x-ratelimit-\($0)-requests" }

    static func headers(_ standing: RequestStanding) -> [(String, String)] {
        Array(zip(names, ["\(standing.limit)", "\(standing.remaining)", duration(standing.reset)]))
    }

    /// As Go writes durations, which that API does: `120ms`, `8s`, `6m0s`. Rounded up.
    static func duration(_ time: Duration) -> String {
        let milliseconds = Int((max(time, .zero) / .milliseconds(1)).rounded(.up))
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = (milliseconds + 999) / 1000
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }
}
