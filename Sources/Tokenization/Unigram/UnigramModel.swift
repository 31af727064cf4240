internal import Generation

/// What a unigram file says beside its tokens.
struct UnigramRules: Sendable {
    /// Log probability of each token; a token with minus infinity is matched by no text.
    var scores: [Double]
    /// Types of the tokens that text is looked up in.
    var matched: Set<TokenType> = [.normal, .userDefined, .unused]
    /// Tokens of these types take part in the least score.
    var scored: Set<TokenType> = [.normal]
    /// User-defined tokens beat whatever else covers their text, as SentencePiece wants it; otherwise they have their
    /// listed score.
    var prefersUserDefined = true
    /// Sums are rounded to single precision at each token, as SentencePiece has them.
    var roundsSums = true
    /// A character without a token becomes the byte tokens `<0x0A>`.
    var usesByteTokens = false
    /// Neighbouring characters without a token are one unknown token.
    var fusesUnknown = true
}

/// Most probable segmentation of a text into tokens with independent probabilities (Kudo, arXiv 1804.10959, section
/// 3.2), by Viterbi's algorithm over the places between characters.
///
/// Cost: O(n · longest token).
struct UnigramModel: Sendable {
    /// How much less probable a character without a token is than the least probable token, in natural logarithms.
    private static let unknownPenalty = 10.0
    /// What a user-defined token gains by each byte after its first, as in SentencePiece 0.2.3.
    private static let bonusPerByte = 0.1
    /// Sums that are kept in single precision start again from zero beyond this, so that long texts lose no precision.
    private static let greatestSum = 100_000.0
    private static let none: Int32 = -1

    private let trie: ByteTrie
    private let scores: [Double]
    private let unknownScore: Double
    private let unknown: TokenID
    private let roundsSums: Bool
    private let fusesUnknown: Bool
    private let byteTokens: ByteTokens?

    /// The unknown token is needed; it may be any token's id that text can become.
    init(_ rules: UnigramRules, vocabulary: Vocabulary, index: [[UInt8]: TokenID]) throws(TokenizerError) {
        guard let unknown = vocabulary.unknownToken else {
            throw .badField(field: "unknown token", reason: "a unigram vocabulary needs one")
        }
        self.unknown = unknown
        let scored = vocabulary.tokens.indices.filter {
            rules.scored.contains(vocabulary.types[$0]) && rules.scores[$0] > -.infinity
        }
        let least = scored.reduce(Double.greatestFiniteMagnitude) { min($0, rules.scores[$1]) }
        let lowest = (scored.isEmpty ? 0 : least) - Self.unknownPenalty
        unknownScore = rules.roundsSums ? Double(Float(lowest)) : lowest
        var scores = rules.scores
        var entries: [(text: [UInt8], value: Int32)] = []
        for (id, text) in vocabulary.tokens.enumerated() where rules.matched.contains(vocabulary.types[id]) {
            guard scores[id] > -.infinity else { continue }
            if rules.prefersUserDefined, vocabulary.types[id] == .userDefined {
                scores[id] = Double(Float(Self.bonusPerByte * Double(text.count - 1)))
            }
            // The file may list an unused token with another's text.
            if vocabulary.types[id] != .unused || index[text] == nil { entries.append((text, Int32(id))) }
        }
        self.scores = scores
        trie = ByteTrie(entries)
        roundsSums = rules.roundsSums
        fusesUnknown = rules.fusesUnknown
        byteTokens = rules.usesByteTokens ? ByteTokens(vocabulary: vocabulary, index: index) : nil
    }

    /// Whether no text becomes the unknown token.
    var knowsAllText: Bool { byteTokens?.areComplete ?? false }

    /// The best way to reach a place between characters.
    private struct Step {
        var score = 0.0
        var start: Int32 = UnigramModel.none
        var token: TokenID = 0
    }

    /// Appends the tokens of `text[range]`, valid UTF-8.
    func encode(_ text: [UInt8], _ range: Range<Int>, into tokens: inout [TokenID]) {
        precondition(range.count < Int(Int32.max), "a text of \(range.count) bytes is longer than its index type")
        let steps = bestSteps(text, range)
        var path: [(token: TokenID, range: Range<Int>)] = []
        var end = range.count
        while end > 0 {
            let start = Int(steps[end].start)
            path.append((steps[end].token, start + range.lowerBound..<end + range.lowerBound))
            end = start
        }
        var wasUnknown = false
        for (token, part) in path.reversed() {
            let isUnknown = token == unknown
            defer { wasUnknown = isUnknown }
            if isUnknown, let byteTokens, byteTokens.append(text[part], to: &tokens) { continue }
            if !(isUnknown && wasUnknown && fusesUnknown) { tokens.append(token) }
        }
    }

    private func bestSteps(_ text: [UInt8], _ range: Range<Int>) -> [Step] {
        var steps = [Step](repeating: Step(), count: range.count + 1)
        var start = range.lowerBound
        var frontier = 0
        while start < range.upperBound {
            let width = min(UTF8.width(leading: text[start]), range.upperBound - start)
            if roundsSums { Self.restart(&steps, from: start - range.lowerBound, to: frontier) }
            let base = steps[start - range.lowerBound].score
            var hasCharacter = false
            func offer(_ token: TokenID, _ length: Int, _ score: Double) {
                let end = start - range.lowerBound + length
                frontier = max(frontier, end)
                let score = roundsSums ? Double(Float(score)) : score
                guard steps[end].start == Self.none || score > steps[end].score else { return }
                steps[end] = Step(score: score, start: Int32(start - range.lowerBound), token: token)
            }
            trie.forEachPrefix(in: text, start..<range.upperBound) { token, length in
                offer(token, length, scores[Int(token)] + base)
                if length == width { hasCharacter = true }
            }
            if !hasCharacter { offer(unknown, width, unknownScore + base) }
            start += width
        }
        return steps
    }

    /// Makes the sum at `place` zero where it is large, and those of places already reached relative to it.
    private static func restart(_ steps: inout [Step], from place: Int, to frontier: Int) {
        let offset = steps[place].score
        guard abs(offset) > greatestSum else { return }
        for index in place...max(place, frontier) where index == place || steps[index].start != none {
            steps[index].score = Double(Float(steps[index].score - offset))
        }
    }
}

extension UTF8 {
    /// Bytes of the character that a leading byte begins; 1 for bytes that begin none.
    static func width(leading byte: UInt8) -> Int {
        switch byte {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF7: 4
        default: 1
        }
    }
}
