internal import KVCaching

/// Rows of one sequence that pass a layer in this step.
struct RowSpan {
    let sequence: SequenceState
    /// Prompt positions, or nil for a decoded token.
    let promptRows: Range<Int>?
    /// Where the first row stands in its residual stream.
    let residualRow: Int

    var count: Int { promptRows?.count ?? 1 }
}

/// Spans cut into groups that fit the step's buffers, in order.
struct RowGroups {
    /// Groups of at most `capacity` rows and about as many rows each: a group of few rows reads the layer's weights for
    /// little. Long prompt spans are cut, which changes no bit.
    static func cut(_ spans: [RowSpan], capacity: Int) -> [[RowSpan]] {
        let rows = spans.reduce(0) { $0 + $1.count }
        let count = max(1, (rows + capacity - 1) / capacity)
        let capacity = (rows + count - 1) / count
        var groups: [[RowSpan]] = []
        var current: [RowSpan] = []
        var room = capacity
        for span in spans {
            guard let rows = span.promptRows else {
                if room == 0 { (groups, current, room) = (groups + [current], [], capacity) }
                current.append(span)
                room -= 1
                continue
            }
            var start = rows.lowerBound
            while start < rows.upperBound {
                if room == 0 { (groups, current, room) = (groups + [current], [], capacity) }
                let end = min(rows.upperBound, start + room)
                current.append(
                    RowSpan(
                        sequence: span.sequence, promptRows: start..<end,
                        residualRow: span.residualRow + start - rows.lowerBound))
                room -= end - start
                start = end
            }
        }
        return current.isEmpty ? groups : groups + [current]
    }
}
