internal import Generation

/// Finds the best token, several logits at a time.
enum LargestLogit {
    private typealias Lanes = SIMD16<Float>

    /// The token with the largest logit, among equals the lowest id; nil if all are -infinity or NaN.
    static func token(_ logits: Span<Float>) -> TokenID? {
        let whole = logits.count - logits.count % Lanes.scalarCount
        var most = Lanes(repeating: -.infinity)
        var start = 0
        while start < whole {
            let lanes = lanes(logits, start)
            // NaN compares false.
            most.replace(with: lanes, where: lanes .> most)
            start += Lanes.scalarCount
        }
        var largest = most.max()
        for index in whole..<logits.count where logits[index] > largest { largest = logits[index] }
        return largest > -.infinity ? first(largest, in: logits, whole: whole) : nil
    }

    /// The lowest id with exactly this logit. `whole` is a multiple of the lanes.
    private static func first(_ logit: Float, in logits: Span<Float>, whole: Int) -> TokenID? {
        let wanted = Lanes(repeating: logit)
        var start = 0
        while start < whole, !any(lanes(logits, start) .== wanted) { start += Lanes.scalarCount }
        while start < logits.count {
            if logits[start] == logit { return TokenID(start) }
            start += 1
        }
        return nil
    }

    /// One check for all lanes, so that they are one load.
    @inline(__always)
    private static func lanes(_ logits: Span<Float>, _ start: Int) -> Lanes {
        let some = logits.extracting(start..<start + Lanes.scalarCount)
        return Lanes(
            some[0], some[1], some[2], some[3], some[4], some[5], some[6], some[7], some[8], some[9], some[10],
            some[11],
            some[12], some[13], some[14], some[15])
    }
}
