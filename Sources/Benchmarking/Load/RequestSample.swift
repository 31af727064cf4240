/// When things happened to one request, in seconds since the run began.
struct RequestSample: Sendable, Equatable {
    /// When it should have been sent. Waiting counts from here, so that a generator that is held up by a slow server
    /// does not measure less (coordinated omission).
    let scheduled: Double
    /// Which of the mix's `kv_cache` objects it carried.
    var budget = 0
    /// When it was sent.
    var sent: Double?
    /// When pieces of text came, each a token or a few.
    var pieces: [Double] = []
    /// Tokens of the answer as the server counts them; the number of pieces where it does not.
    var tokens: Int?
    var end: Double?
    var status: Int?
    /// Why there is no whole answer.
    var failure: LoadFailure?
    /// Most bytes of cache it held, and bytes times seconds, where the server says so (`usage.kv_cache`).
    var cachePeakBytes: Int?
    var cacheByteSeconds: Double?

    init(scheduled: Double) { self.scheduled = scheduled }

    var isGood: Bool { failure == nil && end != nil && !pieces.isEmpty }
    var tokenCount: Int { tokens ?? pieces.count }
    var timeToFirstToken: Double? { pieces.first.map { $0 - scheduled } }
    /// Times between pieces.
    var gaps: [Double] { zip(pieces.dropFirst(), pieces).map { $0 - $1 } }
    var wholeTime: Double? { end.map { $0 - scheduled } }

    /// Mean seconds per token after the first; 0 for one token.
    var timePerToken: Double? {
        guard let first = pieces.first, let last = pieces.last else { return nil }
        return tokenCount > 1 ? (last - first) / Double(tokenCount - 1) : 0
    }

    /// A whole answer that kept to all limits of `objective`.
    func meets(_ objective: LoadSettings.Objective) -> Bool {
        guard isGood, let first = timeToFirstToken, let perToken = timePerToken, let whole = wholeTime else {
            return false
        }
        return first <= objective.ttftSeconds && perToken <= objective.tpotSeconds
            && whole <= objective.wholeSeconds
    }
}
