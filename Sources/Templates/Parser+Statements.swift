extension Parser {
    /// A statement from its name up to the end of its last tag.
    mutating func statement(until ends: [String]) throws(TemplateError) -> Statement {
        guard case .name(let name) = current else { throw failure("a statement must begin with a name") }
        switch name {
        case "for": return try loop()
        case "if": return try branch()
        case "set": return try set()
        case "macro": return try macro()
        case "call": return try callBlock()
        case "filter":
            advance()
            guard let filter = try filter(nil, isInline: true) else { throw unexpected("a filter") }
            return .filterBlock(filter, try block("endfilter"))
        case "with": return try with()
        case "print":
            advance()
            return .output(try printed())
        case "break", "continue":
            advance()
            guard loops > 0 else { throw failure("'\(name)' outside of a loop") }
            return name == "break" ? .breakLoop : .continueLoop
        case "block": return try namedBlock()
        case "generation":
            advance()
            return .scope(try block("endgeneration"))
        case "autoescape":
            advance()
            guard case .literal(.bool(false)) = try expression() else {
                throw failure("only 'autoescape false' is known: a prompt is no HTML")
            }
            return .scope(try block("endautoescape"))
        case "include", "import", "extends", "from":
            while current != .blockEnd, current != .end { advance() }
            return .unavailable("'\(name)' needs other templates, and a chat template stands alone")
        default:
            let hint = ends.isEmpty ? "" : "; open is a block that ends with \(ends.joined(separator: " or "))"
            throw failure("unknown tag '\(name)'\(hint)")
        }
    }

    private mutating func loop() throws(TemplateError) -> Statement {
        advance()
        let target = try target(endsAtIn: true)
        try expect(name: "in")
        let elements = try tuple(withCondition: false, endsAtRecursive: true)
        let test = skip(name: "if") ? try expression() : nil
        let isRecursive = skip(name: "recursive")
        loops += 1
        let body = try bodyOfBlock(until: ["endfor", "else"])
        loops -= 1
        var otherwise: [Statement] = []
        if skip(name: "else") { otherwise = try block("endfor") } else { advance() }
        return .loop(
            Loop(
                target: target, elements: elements, test: test, isRecursive: isRecursive, body: body,
                otherwise: otherwise))
    }

    private mutating func branch() throws(TemplateError) -> Statement {
        advance()
        let unknown = unknownNames.count
        var branches: [(test: Expression, body: [Statement])] = []
        var otherwise: [Statement] = []
        while true {
            let test = try tuple(withCondition: false)
            branches.append((test, try bodyOfBlock(until: ["elif", "else", "endif"])))
            if skip(name: "elif") { continue }
            if skip(name: "else") { otherwise = try block("endif") } else { advance() }
            unknownNames.removeLast(unknownNames.count - unknown)
            return .branch(branches, otherwise: otherwise)
        }
    }

    private mutating func set() throws(TemplateError) -> Statement {
        advance()
        let target = try target(withMember: true)
        if skip(.assign) { return .set(target, try tuple()) }
        let filter = try filter(nil, isInline: false)
        return .setBlock(target, filter: filter, try block("endset"))
    }

    private mutating func with() throws(TemplateError) -> Statement {
        advance()
        var bindings: [(Target, Expression)] = []
        while current != .blockEnd {
            if !bindings.isEmpty { try expect(.comma) }
            let target = try target()
            try expect(.assign)
            bindings.append((target, try expression()))
        }
        return .with(bindings, try block("endwith"))
    }

    private mutating func printed() throws(TemplateError) -> Expression {
        var parts: [Expression] = []
        while current != .blockEnd {
            if !parts.isEmpty { try expect(.comma) }
            parts.append(try expression())
        }
        return .concatenation(parts)
    }

    private mutating func namedBlock() throws(TemplateError) -> Statement {
        advance()
        let name = try expectName()
        _ = skip(name: "scoped")
        _ = skip(name: "required")
        let body = try block("endblock")
        _ = skip(name: name)
        return .scope(body)
    }

    // MARK: Macros

    private mutating func macro() throws(TemplateError) -> Statement {
        advance()
        let name = try expectName()
        let (parameters, defaults) = try signature()
        return .macro(try definition(name, parameters, defaults, end: "endmacro"))
    }

    private mutating func callBlock() throws(TemplateError) -> Statement {
        advance()
        let isSigned = current == .symbol(.openParenthesis)
        let (parameters, defaults) = isSigned ? try signature() : ([], [])
        let call = try expression()
        guard case .call = call else { throw failure("expected call") }
        return .call(try definition("caller", parameters, defaults, end: "endcall"), call)
    }

    private mutating func signature() throws(TemplateError) -> ([String], [Expression]) {
        var parameters: [String] = []
        var defaults: [Expression] = []
        try expect(.openParenthesis)
        while current != .symbol(.closeParenthesis) {
            if !parameters.isEmpty { try expect(.comma) }
            parameters.append(try expectName())
            if skip(.assign) {
                defaults.append(try expression())
            } else if !defaults.isEmpty {
                throw failure("non-default argument follows default argument")
            }
        }
        try expect(.closeParenthesis)
        return (parameters, defaults)
    }

    private mutating func definition(
        _ name: String, _ parameters: [String], _ defaults: [Expression], end: String
    ) throws(TemplateError) -> MacroDefinition {
        macroUses.append([])
        let outerLoops = loops
        loops = 0
        let body = try block(end)
        loops = outerLoops
        let uses = macroUses.removeLast()
        return MacroDefinition(
            name: name, parameters: parameters, defaults: defaults, body: body, usesCaller: uses.contains("caller"),
            usesNamed: uses.contains("kwargs"), usesPositional: uses.contains("varargs"))
    }

    // MARK: Targets

    /// A name, names with commas between, or (with `withMember`) an attribute of a namespace.
    private mutating func target(withMember: Bool = false, endsAtIn: Bool = false) throws(TemplateError) -> Target {
        var targets: [Target] = []
        var isTuple = false
        while true {
            if targets.count > 0 { try expect(.comma) }
            if endsTarget(atIn: endsAtIn) { break }
            targets.append(try singleTarget(withMember: withMember))
            guard current == .symbol(.comma) else { break }
            isTuple = true
        }
        if isTuple { return .tuple(targets) }
        guard let first = targets.first else { throw unexpected("a name to assign to") }
        return first
    }

    private func endsTarget(atIn: Bool) -> Bool {
        switch current {
        case .variableEnd, .blockEnd, .symbol(.closeParenthesis): true
        case .name("in"): atIn
        default: false
        }
    }

    private mutating func singleTarget(withMember: Bool) throws(TemplateError) -> Target {
        if skip(.openParenthesis) {
            try enter()
            defer { leave() }
            let inner = try target(withMember: withMember)
            try expect(.closeParenthesis)
            return inner
        }
        let name = try expectName()
        if withMember, skip(.dot) { return .member(of: name, try expectName()) }
        guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
            throw failure("can't assign to '\(name)'")
        }
        return .name(name)
    }
}
