/// A token of a template with the line it is on.
struct Token {
    enum Kind: Equatable {
        /// Text outside of all tags.
        case data(String)
        case variableBegin, variableEnd, blockBegin, blockEnd
        case name(String)
        case string(String)
        case integer(Int)
        case bigInteger(String)
        case float(Double)
        case symbol(Symbol)
        case end
    }

    var kind: Kind
    var line: Int
}

/// Operators and brackets.
enum Symbol: String, CaseIterable {
    case add = "+", subtract = "-", multiply = "*", divide = "/", floorDivide = "//", power = "**", modulo = "%"
    case concatenate = "~"
    case equal = "==", notEqual = "!=", greater = ">", greaterOrEqual = ">=", less = "<", lessOrEqual = "<="
    case assign = "=", dot = ".", colon = ":", pipe = "|", comma = ",", semicolon = ";"
    case openParenthesis = "(", closeParenthesis = ")", openBracket = "[", closeBracket = "]"
    case openBrace = "{", closeBrace = "}"

    /// The bracket that closes this one.
    var closing: Symbol? {
        switch self {
        case .openParenthesis: .closeParenthesis
        case .openBracket: .closeBracket
        case .openBrace: .closeBrace
        default: nil
        }
    }

    var isClosing: Bool { self == .closeParenthesis || self == .closeBracket || self == .closeBrace }
}

extension Token.Kind {
    /// How errors show the token.
    var shown: String {
        switch self {
        case .data: "template data"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer, .bigInteger: "an integer"
        case .float: "a float"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "the end of the template"
        }
    }
}
