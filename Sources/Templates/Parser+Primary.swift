extension Parser {
    /// A name, a literal, or what brackets enclose.
    mutating func primary() throws(TemplateError) -> Expression {
        switch current {
        case .name(let name):
            advance()
            return named(name)
        case .string(var text):
            advance()
            while case .string(let more) = current {
                text += more
                advance()
            }
            return .literal(.text(Text(text)))
        case .integer(let value):
            advance()
            return .literal(.int(value))
        case .bigInteger(let digits):
            advance()
            return .literal(.bigInt(digits))
        case .float(let value):
            advance()
            return .literal(.float(value))
        case .symbol(.openParenthesis):
            advance()
            let value = try tuple(isInParentheses: true)
            try expect(.closeParenthesis)
            return value
        case .symbol(.openBracket): return try list()
        case .symbol(.openBrace): return try dict()
        default: throw failure("unexpected \(current.shown)")
        }
    }

    private mutating func named(_ name: String) -> Expression {
        switch name {
        case "true", "True": return .literal(.bool(true))
        case "false", "False": return .literal(.bool(false))
        case "none", "None": return .literal(.none)
        case "caller", "kwargs", "varargs":
            for index in macroUses.indices { macroUses[index].insert(name) }
            return .name(name)
        default: return .name(name)
        }
    }

    private mutating func list() throws(TemplateError) -> Expression {
        try expect(.openBracket)
        var items: [Expression] = []
        while current != .symbol(.closeBracket) {
            if !items.isEmpty { try expect(.comma) }
            if current == .symbol(.closeBracket) { break }
            items.append(try expression())
        }
        try expect(.closeBracket)
        return .list(items)
    }

    private mutating func dict() throws(TemplateError) -> Expression {
        try expect(.openBrace)
        var members: [(key: Expression, value: Expression)] = []
        while current != .symbol(.closeBrace) {
            if !members.isEmpty { try expect(.comma) }
            if current == .symbol(.closeBrace) { break }
            let key = try expression()
            try expect(.colon)
            members.append((key, try expression()))
        }
        try expect(.closeBrace)
        return .dict(members)
    }

    // MARK: What follows a value

    /// Attributes, subscripts and calls.
    mutating func postfix(_ value: Expression) throws(TemplateError) -> Expression {
        var value = value
        var chain = 0
        while true {
            if skip(.dot) {
                value = try attribute(of: value)
            } else if skip(.openBracket) {
                value = try subscripted(value)
            } else if current == .symbol(.openParenthesis) {
                value = .call(value, try arguments())
            } else {
                return value
            }
            chain += 1
            try check(chain: chain)
        }
    }

    /// Filters, tests, and calls of their results.
    mutating func filtered(_ value: Expression) throws(TemplateError) -> Expression {
        var value = value
        var chain = 0
        while true {
            if current == .symbol(.pipe) {
                value = try filter(value, isInline: false) ?? value
            } else if current == .name("is") {
                value = try test(value)
            } else if current == .symbol(.openParenthesis) {
                value = .call(value, try arguments())
            } else {
                return value
            }
            chain += 1
            try check(chain: chain)
        }
    }

    private mutating func attribute(of value: Expression) throws(TemplateError) -> Expression {
        switch current {
        case .name(let name):
            advance()
            return .attribute(value, name)
        case .integer(let index):
            advance()
            return .item(value, .literal(.int(index)))
        default: throw unexpected("a name or a number")
        }
    }

    private mutating func subscripted(_ value: Expression) throws(TemplateError) -> Expression {
        var keys: [Expression] = []
        while current != .symbol(.closeBracket) {
            if !keys.isEmpty { try expect(.comma) }
            var start: Expression?
            if current != .symbol(.colon) { start = try expression() }
            guard skip(.colon) else {
                if let start { keys.append(start) }
                continue
            }
            guard keys.isEmpty else { throw failure("a slice must be the only subscript") }
            let stop = try bound()
            let step = skip(.colon) ? try bound() : nil
            try expect(.closeBracket)
            return .slice(value, start: start, stop: stop, step: step)
        }
        advance()
        return .item(value, keys.count == 1 ? keys[0] : .tuple(keys))
    }

    private mutating func bound() throws(TemplateError) -> Expression? {
        switch current {
        case .symbol(.colon), .symbol(.closeBracket), .symbol(.comma): nil
        default: try expression()
        }
    }

    /// What a call passes, with its parentheses.
    private mutating func arguments() throws(TemplateError) -> Arguments {
        try enter()
        defer { leave() }
        try expect(.openParenthesis)
        var arguments = Arguments()
        var isFirst = true
        while current != .symbol(.closeParenthesis) {
            if !isFirst {
                try expect(.comma)
                if current == .symbol(.closeParenthesis) { break }
            }
            isFirst = false
            try argument(into: &arguments)
        }
        try expect(.closeParenthesis)
        return arguments
    }

    private mutating func argument(into arguments: inout Arguments) throws(TemplateError) {
        let hasSpread = arguments.spread != nil || arguments.namedSpread != nil
        if skip(.multiply) {
            guard !hasSpread else { throw failure("invalid syntax for function call expression") }
            arguments.spread = try expression()
        } else if skip(.power) {
            guard arguments.namedSpread == nil else { throw failure("invalid syntax for function call expression") }
            arguments.namedSpread = try expression()
        } else if case .name(let name) = current, following == .symbol(.assign) {
            guard arguments.namedSpread == nil else { throw failure("invalid syntax for function call expression") }
            guard !arguments.named.contains(where: { $0.name == name }) else {
                throw failure("keyword argument repeated: \(name)")
            }
            advance()
            advance()
            arguments.named.append((name, try expression()))
        } else {
            guard !hasSpread, arguments.named.isEmpty else {
                throw failure("a positional argument follows a named one")
            }
            arguments.positional.append(try expression())
        }
    }

    /// Filters in a row. `isInline`: the first has no `|` before it. Nil if there is none.
    mutating func filter(_ subject: Expression?, isInline: Bool) throws(TemplateError) -> Expression? {
        var value = subject
        var isInline = isInline
        var chain = 0
        while isInline || current == .symbol(.pipe) {
            if !isInline { advance() }
            isInline = false
            chain += 1
            try check(chain: chain)
            let name = try dottedName()
            if FilterTable.filters[name] == nil {
                unknownNames.append((line, "No filter named '\(name)'."))
            }
            let arguments = current == .symbol(.openParenthesis) ? try arguments() : Arguments()
            value = .filter(value, name, arguments)
        }
        return value
    }

    private mutating func dottedName() throws(TemplateError) -> String {
        var name = try expectName()
        while skip(.dot) { name += "." + (try expectName()) }
        return name
    }

    private mutating func test(_ value: Expression) throws(TemplateError) -> Expression {
        advance()
        let isNegated = skip(name: "not")
        let name = try dottedName()
        if TestTable.tests[name] == nil { unknownNames.append((line, "No test named '\(name)'.")) }
        var arguments = Arguments()
        if current == .symbol(.openParenthesis) {
            arguments = try self.arguments()
        } else if beginsTestArgument {
            guard current != .name("is") else { throw failure("You cannot chain multiple tests with is") }
            arguments.positional = [try postfix(try primary())]
        }
        let test = Expression.test(value, name, arguments)
        return isNegated ? .not(test) : test
    }

    private var beginsTestArgument: Bool {
        switch current {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .integer, .bigInteger, .float, .symbol(.openBracket), .symbol(.openBrace): true
        default: false
        }
    }
}
