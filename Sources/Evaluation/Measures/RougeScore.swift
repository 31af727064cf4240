/// ROUGE of one candidate against one reference (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004),
/// over words between blanks, without stemming.
///
/// Counts are those of the Python package `rouge`: ROUGE-1 and ROUGE-2 over distinct n-grams, ROUGE-L over the longest
/// common subsequence of all words, with F weighted by beta = precision / recall.
public struct RougeScore: Sendable, Equatable {
    /// Precision, recall and their F-measure, each between 0 and 1.
    public struct Part: Sendable, Equatable {
        public let precision: Double
        public let recall: Double
        public let f: Double
    }

    public let rouge1: Part
    public let rouge2: Part
    public let rougeL: Part

    public init(candidate: String, reference: String) {
        let candidate = candidate.split(whereSeparator: \.isWhitespace)
        let reference = reference.split(whereSeparator: \.isWhitespace)
        rouge1 = Self.overlap(candidate, reference, length: 1)
        rouge2 = Self.overlap(candidate, reference, length: 2)
        rougeL = Self.subsequence(candidate, reference)
    }

    private static func overlap(_ candidate: [Substring], _ reference: [Substring], length: Int) -> Part {
        let ours = grams(candidate, length)
        let theirs = grams(reference, length)
        let common = Double(ours.intersection(theirs).count)
        let precision = ours.isEmpty ? 0 : common / Double(ours.count)
        let recall = theirs.isEmpty ? 0 : common / Double(theirs.count)
        let sum = precision + recall
        return Part(precision: precision, recall: recall, f: sum > 0 ? 2 * precision * recall / sum : 0)
    }

    private static func grams(_ words: [Substring], _ length: Int) -> Set<[Substring]> {
        guard words.count >= length else { return [] }
        return Set((0...words.count - length).map { Array(words[$0..<$0 + length]) })
    }

    private static func subsequence(_ candidate: [Substring], _ reference: [Substring]) -> Part {
        let common = Double(commonLength(candidate, reference))
        guard common > 0 else { return Part(precision: 0, recall: 0, f: 0) }
        let precision = common / Double(candidate.count)
        let recall = common / Double(reference.count)
        let beta = precision / recall
        let f = (1 + beta * beta) * precision * recall / (recall + beta * beta * precision)
        return Part(precision: precision, recall: recall, f: f)
    }

    /// Length of the longest common subsequence.
    private static func commonLength(_ left: [Substring], _ right: [Substring]) -> Int {
        var row = [Int](repeating: 0, count: right.count + 1)
        for word in left {
            var diagonal = 0
            for (index, other) in right.enumerated() {
                let above = row[index + 1]
                row[index + 1] = word == other ? diagonal + 1 : max(above, row[index])
                diagonal = above
            }
        }
        return row[right.count]
    }
}
