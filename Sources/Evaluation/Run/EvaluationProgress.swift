/// How far a run is.
public struct EvaluationProgress: Sendable {
    /// Points finished, those of earlier runs included.
    public let done: Int
    public let total: Int
    /// Points that were measured in this run.
    public let measured: Int
    /// Seconds since this run began.
    public let seconds: Double
    /// What comes next: suite, policy, budget; nil at the end.
    public let next: String?

    /// Mean seconds of a point of this run; nil before the first.
    public var secondsPerPoint: Double? { measured > 0 ? seconds / Double(measured) : nil }

    /// One line of at most 100 columns: a bar, counts, speed and what is running.
    public var line: String {
        let width = 24
        let filled = total > 0 ? width * done / total : width
        var text =
            "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
            + "] \(done)/\(total)"
        if let pace = secondsPerPoint {
            let left = Int((pace * Double(total - done)).rounded())
            text += ", \((pace * 10).rounded() / 10) s/point, \(left) s left"
        }
        if let next { text += ", \(next)" }
        return String(text.prefix(100))
    }
}
