/// What one rendering may use. The defaults let long conversations with tools pass and end a hostile template within
/// about a second.
public struct TemplateLimits: Sendable, Equatable {
    /// Work in units of about a nanosecond: a character or an element copied is one, a step of the evaluation is
    /// `stepCost`.
    public var work: Int
    /// Characters of the output, and of any one text on the way to it.
    public var characters: Int
    /// Nested evaluations: expressions within expressions, blocks within blocks, macros that call macros.
    public var depth: Int
    /// Elements of a `range`, as in jinja2's sandbox.
    public var rangeLength: Int

    public init(
        work: Int = 400_000_000, characters: Int = 24 << 20, depth: Int = 400, rangeLength: Int = 100_000
    ) {
        self.work = work
        self.characters = characters
        self.depth = depth
        self.rangeLength = rangeLength
    }

    /// Price of one expression or statement.
    static let stepCost = 100
    /// Lists within lists.
    static let nesting = 150
    /// Characters of a template's own text.
    static let sourceCharacters = 1 << 20
    /// Nested expressions or statements of a template's text, and operators in a row.
    static let sourceDepth = 120
}
