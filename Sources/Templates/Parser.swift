/// Reads tokens into statements. The grammar is that of jinja2 3.1 with the extensions that transformers adds: `break`,
/// `continue` and `generation`.
struct Parser {
    private let tokens: [Token]
    private var place = 0
    /// Nested expressions and statements.
    private var depth = 0
    /// Loops around this place, within this macro.
    var loops = 0
    /// Special names used in each macro around this place.
    var macroUses: [Set<String>] = []
    /// Filters and tests that do not exist. Where a condition decides whether they are reached, they fail only then.
    var unknownNames: [(line: Int, reason: String)] = []

    /// The statements of a whole template.
    static func statements(of text: String) throws(TemplateError) -> [Statement] {
        var parser = Parser(tokens: try Lexer.tokens(of: text))
        let body = try parser.body(until: [])
        if let unknown = parser.unknownNames.first { throw .syntax(line: unknown.line, reason: unknown.reason) }
        return body
    }

    private init(tokens: [Token]) { self.tokens = tokens }

    // MARK: Tokens

    var current: Token.Kind { tokens[place].kind }
    var following: Token.Kind { tokens[min(place + 1, tokens.count - 1)].kind }
    var line: Int { tokens[place].line }

    mutating func advance() { place = min(place + 1, tokens.count - 1) }

    func failure(_ reason: String) -> TemplateError { .syntax(line: line, reason: reason) }

    func unexpected(_ expected: String) -> TemplateError { failure("expected \(expected), got \(current.shown)") }

    /// Skips the token if it is there.
    mutating func skip(_ symbol: Symbol) -> Bool {
        guard current == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard current == .name(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: Symbol) throws(TemplateError) {
        guard skip(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw unexpected("'\(name)'") }
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current else { throw unexpected("a name") }
        advance()
        return name
    }

    mutating func expectBlockEnd() throws(TemplateError) {
        guard current == .blockEnd else { throw unexpected("the end of the statement") }
        advance()
    }

    // MARK: Nesting

    /// One level deeper; `leave` must follow unless parsing ends.
    mutating func enter() throws(TemplateError) {
        depth += 1
        guard depth <= TemplateLimits.sourceDepth else {
            throw .limit(line: line, reason: "the template is nested more than \(TemplateLimits.sourceDepth) deep")
        }
    }

    mutating func leave() { depth -= 1 }

    /// Throws where operators follow each other so often that evaluating them would nest too deep.
    func check(chain: Int) throws(TemplateError) {
        guard chain <= TemplateLimits.sourceDepth else {
            throw .limit(line: line, reason: "more than \(TemplateLimits.sourceDepth) operators in a row")
        }
    }

    // MARK: Bodies

    /// Statements up to a tag that begins with one of the names, which is not consumed; without names, to the end.
    mutating func body(until ends: [String]) throws(TemplateError) -> [Statement] {
        try enter()
        defer { leave() }
        var body: [Statement] = []
        var lastLine = 0
        while true {
            if line != lastLine, current != .end {
                lastLine = line
                body.append(.line(line))
            }
            switch current {
            case .data(let text):
                body.append(.data(Text(text)))
                advance()
            case .variableBegin:
                advance()
                body.append(.output(try tuple()))
                guard current == .variableEnd else { throw unexpected("the end of the print statement") }
                advance()
            case .blockBegin:
                advance()
                if case .name(let name) = current, ends.contains(name) { return body }
                body.append(try statement(until: ends))
                try expectBlockEnd()
            default:
                guard ends.isEmpty else {
                    throw failure("the template ends where one of \(ends.joined(separator: ", ")) should follow")
                }
                return body
            }
        }
    }

    /// The rest of an opening tag, a body, and the closing tag up to its end.
    mutating func block(_ end: String) throws(TemplateError) -> [Statement] {
        let body = try bodyOfBlock(until: [end])
        advance()
        return body
    }

    /// The same, but the closing tag's name is still to be read.
    mutating func bodyOfBlock(until ends: [String]) throws(TemplateError) -> [Statement] {
        _ = skip(.colon)
        try expectBlockEnd()
        return try body(until: ends)
    }
}
