internal import Glibc

/// How long a fuzzer goes on: `KEYHOLD_FUZZ_SECONDS`, or a second or two where that is not set.
///
/// Made and asked on the thread that fuzzes.
public struct FuzzBudget {
    /// What the seconds are of.
    public enum Measure: Sendable {
        /// Processor time of the calling thread, however busy the machine is.
        case work
        /// Time on the wall, for loops that wait for another thread or process.
        case wall

        fileprivate var clock: clockid_t { self == .work ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC }
    }

    /// From this many seconds on a fuzzer reports what it did.
    private static let reportedSeconds = 60.0

    /// The whole budget.
    public let seconds: Double
    private let measure: Measure
    private let start: Double

    /// `seconds` is the default; the environment decides.
    public init(seconds: Double = 1, of measure: Measure = .work) {
        self.seconds = TestFiles.environment("KEYHOLD_FUZZ_SECONDS").flatMap(Double.init) ?? seconds
        self.measure = measure
        start = Self.now(measure.clock)
    }

    /// Seconds of the budget that are spent.
    public var spent: Double { Self.now(measure.clock) - start }

    /// Whether the fuzzer goes on.
    public var isLeft: Bool { spent < seconds }

    /// Prints what a long run tried, and in what time.
    public func report(_ what: String) {
        guard seconds >= Self.reportedSeconds else { return }
        print("fuzzed \(what) in \(Int(spent)) s of \(measure == .work ? "processor time" : "time")")
    }

    /// Processor time of the calling thread.
    public static var threadTime: Duration { .seconds(now(CLOCK_THREAD_CPUTIME_ID)) }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
