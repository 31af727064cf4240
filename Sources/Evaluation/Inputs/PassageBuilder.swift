internal import Generation

/// Prose with facts woven into it, of an exact number of tokens.
struct PassageBuilder: Sendable {
    let wording: FactWording
    let filler: FillerText

    /// Something that stands in the prose, at a place counted in filler tokens before it.
    struct Insert {
        let tokens: [TokenID]
        /// Share of the filler before it, 0..<1.
        let place: Double
    }

    /// A passage and, for each insert, the index after its last token.
    struct Passage {
        let tokens: [TokenID]
        let ends: [Int]
    }

    /// Inserts at equal places keep their order.
    func passage(
        length: Int, inserts: [Insert], random: inout EvaluationRandom
    ) throws(EvaluationError) -> Passage {
        let prefix = wording.prefix
        let fixed = prefix.count + inserts.reduce(0) { $0 + $1.tokens.count }
        let fill = length - fixed
        guard fill >= 16 else { throw .contextTooShort(tokens: length, needed: fixed + 16) }
        let prose = try filler.slice(fill, random: &random)
        let cuts = inserts.map { min(fill, Int($0.place * Double(fill))) }
        let order = inserts.indices.sorted { (cuts[$0], $0) < (cuts[$1], $1) }
        var tokens = prefix
        var ends = [Int](repeating: 0, count: inserts.count)
        var used = 0
        for index in order {
            tokens += prose[used..<cuts[index]] + inserts[index].tokens
            used = cuts[index]
            ends[index] = tokens.count
        }
        tokens += prose[used...]
        return Passage(tokens: tokens, ends: ends)
    }
}

extension EvaluationRandom {
    /// Uniform in the range, with steps of a millionth of its width.
    mutating func place(in range: Range<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(below(1_000_000)) / 1_000_000
    }
}
