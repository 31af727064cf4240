/// Scores of neighbourhoods: the largest score among the entries held within `radius` positions (max-pooling over the
/// sequence, arXiv 2404.14469).
@unsafe struct NeighbourhoodMaximum {
    let radius: Int
    /// Free for use, [newest position + 1 + 2·radius].
    let byPosition: UnsafeMutableBufferPointer<Float>

    /// Writes `pooled[i]` for each of `count` entries in any order; `pooled` may be `scores`. A token that was fed but
    /// has no slot counts as the last entry; its own pooled score is returned. A broken score counts as infinity, as
    /// it does where victims are searched.
    @discardableResult
    func pool(
        count: Int, positions: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
        fed: (position: Int32, score: Float)?, into pooled: UnsafeMutablePointer<Float>
    ) -> Float {
        var (first, last) = fed.map { ($0.position, $0.position) } ?? (Int32.max, -1)
        for index in 0..<count {
            first = unsafe min(first, positions[index])
            last = unsafe max(last, positions[index])
        }
        guard first <= last else { return 0 }
        let width = unsafe Int(last - first) + 1 + 2 * radius
        precondition(unsafe width <= byPosition.count, "no room for neighbours over \(width) positions")
        unsafe byPosition.extracting(..<width).update(repeating: -.infinity)
        for index in 0..<count {
            let score = unsafe scores[index]
            unsafe byPosition[Int(positions[index] - first) + radius] = score.isNaN ? .infinity : score
        }
        if let fed { unsafe byPosition[Int(fed.position - first) + radius] = fed.score.isNaN ? .infinity : fed.score }
        for index in 0..<count { unsafe pooled[index] = largest(around: Int(positions[index] - first)) }
        return fed.map { unsafe largest(around: Int($0.position - first)) } ?? 0
    }

    private func largest(around place: Int) -> Float {
        var largest = unsafe byPosition[place]
        for offset in unsafe 1...2 * radius { largest = unsafe max(largest, byPosition[place + offset]) }
        return largest
    }
}
