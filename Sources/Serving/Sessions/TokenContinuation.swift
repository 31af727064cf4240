internal import Generation
internal import Tokenization

/// Whether a prompt goes on where a log of tokens ends.
///
/// A conversation comes back as text, and a text's tokens need not be those that a model picked for it. So tokens are
/// compared as what they stand for: control tokens by identity, all others by their bytes. Where the log ends within a
/// token of the prompt, the rest of that token's text is tokenised anew.
struct TokenContinuation {
    /// What of the prompt follows the log; nil where the prompt is no continuation.
    let suffix: [TokenID]?
    /// How many of the log's tokens the prompt repeats.
    let agreeing: Int

    init(of log: [TokenID], by prompt: [TokenID], tokenizer: Tokenizer) {
        let common = zip(log, prompt).prefix { $0 == $1 }.count
        guard common < log.count else {
            (suffix, agreeing) = (Array(prompt.dropFirst(common)), common)
            return
        }
        var cursor = Cursor(prompt, from: common, tokenizer)
        for index in common..<log.count {
            guard cursor.skip(log[index]) else {
                (suffix, agreeing) = (nil, index)
                return
            }
        }
        agreeing = log.count
        suffix = cursor.rest
    }

    /// A place in the prompt, perhaps within a token.
    private struct Cursor {
        private let tokens: [TokenID]
        private let tokenizer: Tokenizer
        private var index: Int
        /// Bytes of the token at `index` that were skipped.
        private var skipped = 0

        init(_ tokens: [TokenID], from index: Int, _ tokenizer: Tokenizer) {
            self.tokens = tokens
            self.tokenizer = tokenizer
            self.index = index
        }

        /// Skips what the token stands for; false where something else stands here.
        mutating func skip(_ token: TokenID) -> Bool {
            if tokenizer.isSpecial(token) {
                guard skipped == 0, index < tokens.count, tokens[index] == token else { return false }
                index += 1
                return true
            }
            for byte in tokenizer.bytes(of: token) {
                guard skipByte(byte) else { return false }
            }
            return true
        }

        private mutating func skipByte(_ byte: UInt8) -> Bool {
            while index < tokens.count, !tokenizer.isSpecial(tokens[index]) {
                let bytes = tokenizer.bytes(of: tokens[index])
                guard skipped < bytes.count else {
                    (index, skipped) = (index + 1, 0)
                    continue
                }
                guard bytes[skipped] == byte else { return false }
                skipped += 1
                if skipped == bytes.count { (index, skipped) = (index + 1, 0) }
                return true
            }
            return false
        }

        /// The tokens from here on; nil within a character.
        var rest: [TokenID]? {
            guard skipped > 0 else { return Array(tokens[index...]) }
            let bytes = tokenizer.bytes(of: tokens[index]).dropFirst(skipped)
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            let tail = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            // Some tokenizers put a blank before a text.
            guard tail.flatMap({ tokenizer.bytes(of: $0) }) == Array(bytes) else { return nil }
            return tail + tokens[(index + 1)...]
        }
    }
}
