/// What a template does.
indirect enum Statement: Sendable {
    case data(Text)
    case output(Expression)
    case set(Target, Expression)
    case setBlock(Target, filter: Expression?, [Statement])
    case loop(Loop)
    case branch([(test: Expression, body: [Statement])], otherwise: [Statement])
    case macro(MacroDefinition)
    /// `{% call(parameters) macro(arguments) %}`; the definition is the body as `caller`.
    case call(MacroDefinition, Expression)
    case filterBlock(Expression, [Statement])
    case with([(Target, Expression)], [Statement])
    /// A body whose variables end with it.
    case scope([Statement])
    case breakLoop
    case continueLoop
    /// A statement that needs other templates.
    case unavailable(String)
    /// The line of the statements that follow.
    case line(Int)
}

/// What `set` and `for` assign to.
indirect enum Target: Sendable {
    case name(String)
    case member(of: String, String)
    case tuple([Target])
}

/// `{% for target in elements if test recursive %} body {% else %} otherwise {% endfor %}`
struct Loop: Sendable {
    var target: Target
    var elements: Expression
    var test: Expression?
    var isRecursive: Bool
    var body: [Statement]
    var otherwise: [Statement]
}

/// A macro, or the body of a `call` block.
struct MacroDefinition: Sendable {
    var name: String
    var parameters: [String]
    /// Of the last parameters.
    var defaults: [Expression]
    var body: [Statement]
    /// The special names that the body uses.
    var usesCaller = false
    var usesNamed = false
    var usesPositional = false
}
