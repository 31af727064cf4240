internal import Generation

/// How long steps take and how much of what they may generate sequences do generate, the recent ones counting more.
public struct StepPace: Sendable, Equatable {
    /// Weight of the newest observation.
    private static let newest = 1.0 / 16

    /// Seconds of a step that decodes, with whatever else is in it: the gap between two tokens.
    private(set) var secondsPerToken: Double?
    /// Seconds of a step that only decodes.
    private(set) var secondsPerDecodeStep: Double?
    /// Seconds that a row of a prompt adds for each layer.
    private(set) var secondsPerRowLayer: Double?
    /// Tokens generated over the most that were allowed.
    private(set) var generatedShare = 1.0

    public init() {}

    /// `plan` was computed in so many seconds; sequences took turns if `decodeShare` of them decoded.
    public mutating func stepTook(_ plan: StepPlan, seconds: Double, decodeShare: Double = 1) {
        let rowLayers = plan.prefill.reduce(0) { $0 + $1.rows.count * $1.layers.count }
        if !plan.decode.isEmpty {
            Self.blend(seconds / decodeShare, into: &secondsPerToken)
            if rowLayers == 0 { Self.blend(seconds, into: &secondsPerDecodeStep) }
        }
        if rowLayers > 0 {
            let decoding = plan.decode.isEmpty ? 0 : secondsPerDecodeStep ?? 0
            Self.blend(max(0, seconds - decoding) / Double(rowLayers), into: &secondsPerRowLayer)
        }
    }

    /// A sequence ended by itself after `generated` of at most `limit` tokens.
    public mutating func ended(generated: Int, of limit: Int) {
        guard limit > 0 else { return }
        generatedShare += (Double(min(generated, limit)) / Double(limit) - generatedShare) * Self.newest
    }

    /// Seconds of `rowLayers` of prompt.
    func prefillSeconds(rowLayers: Int) -> Double { (secondsPerRowLayer ?? 0) * Double(rowLayers) }

    /// Seconds until a sequence that has decoded `done` of at most `limit` rows ends.
    func decodeSeconds(done: Int, limit: Int) -> Double {
        let expected = max(Double(limit) * generatedShare, Double(min(done + 1, limit)))
        return (expected - Double(done)) * (secondsPerToken ?? secondsPerDecodeStep ?? 0)
    }

    /// Something is known.
    var isKnown: Bool { secondsPerToken != nil || secondsPerRowLayer != nil }

    private static func blend(_ value: Double, into mean: inout Double?) {
        mean = mean.map { $0 + (value - $0) * newest } ?? value
    }
}
