/// A text is so long that it must have more tokens than a limit, whatever they are.
public struct TooManyTokens: Error, Sendable, Equatable {
    /// The text has at least so many tokens.
    public let fewest: Int
}
