/// How far a run is.
public struct EvaluationProgress: Sendable {
    /// Points finished, those of earlier runs included.
    public let done: Int
    public let total: Int
    /// Points that were measured in this run.
    public let measured: Int
    /// Points' worth of the work under way.
    public var underway = 0.0
    /// Seconds since this run began.
    public let seconds: Double
    /// The suite that is running; nil at the end.
    public let next: String?

    /// Mean seconds of a point of this run, with those under way; nil before the first.
    public var secondsPerPoint: Double? {
        let finished = Double(measured) + underway
        return finished > 0 ? seconds / finished : nil
    }

    /// One line of at most 100 columns: a bar, counts, speed and what is running.
    public var line: String {
        let width = 24
        let filled = total > 0 ? Int(Double(width) * (Double(done) + underway) / Double(total)) : width
        var text =
            "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
            + "] \(done)/\(total)"
        if let pace = secondsPerPoint {
            let left = Int((pace * (Double(total - done) - underway)).rounded())
            text += ", \((pace * 10).rounded() / 10) s/point, \(left) s left"
        }
        if let next { text += ", \(next)" }
        return String(text.prefix(100))
    }
}
