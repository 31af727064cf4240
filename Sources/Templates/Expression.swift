/// What a template computes.
indirect enum Expression: Sendable {
    case literal(Literal)
    case name(String)
    case list([Expression])
    case tuple([Expression])
    case dict([(key: Expression, value: Expression)])
    /// `value.name`
    case attribute(Expression, String)
    /// `value[key]`
    case item(Expression, Expression)
    /// `value[start:stop:step]`
    case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
    case call(Expression, Arguments)
    /// Without a subject inside of `filter` blocks and `set` blocks, where the block's text is the subject.
    case filter(Expression?, String, Arguments)
    case test(Expression, String, Arguments)
    case not(Expression)
    case negative(Expression)
    case positive(Expression)
    case arithmetic(Arithmetic, Expression, Expression)
    case concatenation([Expression])
    case comparison(Expression, [(Comparison, Expression)])
    case and(Expression, Expression)
    case or(Expression, Expression)
    /// `value if test else otherwise`
    case condition(test: Expression, value: Expression, otherwise: Expression?)
}

/// A value that stands in the template.
enum Literal: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case bigInt(String)
    case float(Double)
    case text(Text)

    var value: Value {
        switch self {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .bigInt(let digits): .bigInt(digits)
        case .float(let value): .float(value)
        case .text(let text): .text(text)
        }
    }
}

enum Arithmetic: String, Sendable {
    case add = "+", subtract = "-", multiply = "*", divide = "/", floorDivide = "//", modulo = "%", power = "**"
}

enum Comparison: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, within, notWithin
}

/// What a call passes.
struct Arguments: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, value: Expression)] = []
    /// `*values`
    var spread: Expression?
    /// `**values`
    var namedSpread: Expression?
}
