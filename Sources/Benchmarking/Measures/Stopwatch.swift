/// Monotonic time in seconds since the object was made.
struct Stopwatch: Sendable {
    private let start = ContinuousClock.now

    var seconds: Double { start.duration(to: .now) / .seconds(1) }

    /// How long `body` takes, in seconds.
    static func time<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Double {
        let watch = Stopwatch()
        try body()
        return watch.seconds
    }
}
