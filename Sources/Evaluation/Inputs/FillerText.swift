internal import Generation
internal import Tokenization

/// Running prose as one stream of tokens, from which inputs are cut.
struct FillerText: Sendable {
    let tokens: [TokenID]

    /// The text of a file, or made-up prose where `text` is nil.
    init(_ text: String?, tokenizer: Tokenizer, seed: UInt64) {
        let text = text ?? PlainProse.text(sentences: 6000, seed: seed)
        tokens = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    }

    /// `count` tokens from a random place on.
    func slice(_ count: Int, random: inout EvaluationRandom) throws(EvaluationError) -> [TokenID] {
        guard tokens.count > count else { throw .textTooShort(tokens: tokens.count, needed: count + 1) }
        let start = random.below(tokens.count - count)
        return Array(tokens[start..<start + count])
    }
}
