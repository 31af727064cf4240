/// How often something is measured: `minimum` times, and on until `seconds` have passed, but `maximum` times at most.
public struct Repetitions: Sendable, Equatable {
    public var minimum: Int
    public var maximum: Int
    public var seconds: Double

    public init(minimum: Int, maximum: Int, seconds: Double) {
        precondition(minimum >= 1 && maximum >= minimum, "\(minimum) to \(maximum) repetitions")
        self.minimum = minimum
        self.maximum = maximum
        self.seconds = seconds
    }

    /// Samples of `measure`, which is called once before they count.
    func summary<Failure: Error>(_ measure: () throws(Failure) -> Double) throws(Failure) -> Summary {
        _ = try measure()
        return try summaryWithoutWarmUp(measure)
    }

    /// Samples of `measure`, the first one included.
    func summaryWithoutWarmUp<Failure: Error>(_ measure: () throws(Failure) -> Double) throws(Failure) -> Summary {
        let watch = Stopwatch()
        var samples: [Double] = []
        while samples.count < minimum || (samples.count < maximum && watch.seconds < seconds) {
            samples.append(try measure())
        }
        return Summary(samples)
    }
}
