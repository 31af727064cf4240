internal import Generation

/// Everything a file says about a tokenizer, in one form for all kinds of files.
struct TokenizerDefinition: Sendable {
    /// What a word's symbols are.
    enum Symbols: Sendable, Equatable {
        case bytes
        case characters(usesByteTokens: Bool)
    }

    var vocabulary: Vocabulary
    var symbols: Symbols
    /// Neighbouring unknown characters are one unknown token.
    var fusesUnknown = false
    /// A word that is a token as a whole is not merged from its parts.
    var ignoresMerges = false
    var normalizer: [NormalizerStep] = []
    var preTokenizer: [PreTokenizerStep] = []
    var addedTokens: [AddedToken] = []
    /// Tokens before and after a text.
    var prefix: [TokenID] = []
    var suffix: [TokenID] = []
    var spelling: TokenSpelling
    /// The first space of a decoded text is the one that encoding put there.
    var addsLeadingSpace = false
}
