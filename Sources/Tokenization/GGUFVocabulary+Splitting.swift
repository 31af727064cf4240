extension GGUFVocabulary {
    /// The names that `pre` may have, sorted.
    public static var splittingNames: [String] { PreTokenizerPatterns.names }
}
