internal import Kernels

/// The parts in which sums over a lane's entries are taken: `size` entries each, by slot, the fed token last.
///
/// Softmax and the sum of values are first taken in every part by itself, with the part's own maximum m_p: s_p is the
/// sum of exp(x - m_p), o_p that of exp(x - m_p) · value, each in the order that ckernels.h states. Then in rising
/// order of parts S = Σ exp(m_p - m) · s_p with m the largest m_p, and the output is Σ (exp(m_p - m) / S) · o_p. So
/// threads can share a long lane, and where a part begins depends on nothing but the slot.
enum LaneParts {
    /// Small enough that the keys, values and weights of a part stay in a core's own caches between passes over them.
    static let size = 512

    static func count(entries: Int) -> Int { (entries + size - 1) / size }

    /// The entries of a part of `count` entries.
    static func entries(of part: Int, count: Int) -> Range<Int> { part * size..<min(count, (part + 1) * size) }

    /// Turns the maxima of the parts into the weights of their sums of values, exp(m_p - m) / S. `sums` are the s_p.
    @unsafe static func weigh(
        parts: Int, maxima: UnsafeMutablePointer<Float>, sums: UnsafePointer<Float>, kernels: KernelTable
    ) {
        var maximum: Float = 0
        _ = unsafe kernels.expSum(count: parts, values: maxima, maximum: &maximum)
        var total: Float = 0
        for part in 0..<parts { total.addProduct(unsafe maxima[part], unsafe sums[part]) }
        let inverse = 1 / total
        for part in 0..<parts { unsafe maxima[part] *= inverse }
    }

    /// Turns a row's exp(x - m_p) into probabilities.
    @unsafe static func normalise(_ row: UnsafeMutablePointer<Float>, count: Int, weights: UnsafePointer<Float>) {
        for part in 0..<Self.count(entries: count) {
            let weight = unsafe weights[part]
            for entry in entries(of: part, count: count) { unsafe row[entry] *= weight }
        }
    }
}
