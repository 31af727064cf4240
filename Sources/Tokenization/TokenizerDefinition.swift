internal import Generation

/// Everything a file says about a tokenizer, in one form for all kinds of files.
struct TokenizerDefinition: Sendable {
    /// What a word's symbols are.
    enum Symbols: Sendable, Equatable {
        case bytes
        case characters(usesByteTokens: Bool)
    }

    /// How a word is cut into tokens.
    enum Algorithm: Sendable {
        /// Pairs are merged, by scores or by listed ranks, starting from `symbols`.
        case merging
        case unigram(UnigramRules)
        case wordPiece(WordPieceRules)
    }

    /// Words that are a token as a whole are not merged from their parts.
    enum WholeWords: Sendable {
        case none, all
        /// Runs of line breaks only.
        case lineBreaks
    }

    var vocabulary: Vocabulary
    var algorithm = Algorithm.merging
    var symbols: Symbols
    /// Neighbouring unknown characters are one unknown token.
    var fusesUnknown = false
    var wholeWords = WholeWords.none
    /// A listed merge is as soon as its merged token's id is low, not as it stands in the list.
    var ranksAreTokens = false
    var normalizer: [NormalizerStep] = []
    var preTokenizer: [PreTokenizerStep] = []
    var addedTokens: [AddedToken] = []
    /// Added tokens that are matched in normalised text are listed in normalised form.
    var addedTextIsNormalized = false
    /// Tokens before and after a text.
    var prefix: [TokenID] = []
    var suffix: [TokenID] = []
    var spelling: TokenSpelling
    /// The first space of a decoded text is the one that encoding put there.
    var addsLeadingSpace = false
    /// A decoded text loses the space of each token until there is text: what SentencePiece does where encoding removes
    /// extra spaces.
    var stripsEveryLeadingSpace = false
}
