extension Parser {
    /// An expression, or several with commas between as a tuple.
    mutating func tuple(
        withCondition: Bool = true, endsAtRecursive: Bool = false, isInParentheses: Bool = false
    ) throws(TemplateError) -> Expression {
        var parts: [Expression] = []
        var isTuple = false
        while true {
            if !parts.isEmpty { try expect(.comma) }
            if endsTuple(atRecursive: endsAtRecursive) { break }
            parts.append(withCondition ? try expression() : try or())
            guard current == .symbol(.comma) else { break }
            isTuple = true
        }
        if !isTuple {
            if let first = parts.first { return first }
            guard isInParentheses else { throw unexpected("an expression") }
        }
        return .tuple(parts)
    }

    private func endsTuple(atRecursive: Bool) -> Bool {
        switch current {
        case .variableEnd, .blockEnd, .symbol(.closeParenthesis): true
        case .name("recursive"): atRecursive
        default: false
        }
    }

    /// `a if b else c` and all that binds tighter.
    mutating func expression() throws(TemplateError) -> Expression {
        try enter()
        defer { leave() }
        let unknown = unknownNames.count
        var value = try or()
        var chain = 0
        while skip(name: "if") {
            chain += 1
            try check(chain: chain)
            let test = try or()
            let otherwise = skip(name: "else") ? try expression() : nil
            value = .condition(test: test, value: value, otherwise: otherwise)
            unknownNames.removeLast(unknownNames.count - unknown)
        }
        return value
    }

    private mutating func or() throws(TemplateError) -> Expression {
        var left = try and()
        var chain = 0
        while skip(name: "or") {
            chain += 1
            try check(chain: chain)
            left = .or(left, try and())
        }
        return left
    }

    private mutating func and() throws(TemplateError) -> Expression {
        var left = try not()
        var chain = 0
        while skip(name: "and") {
            chain += 1
            try check(chain: chain)
            left = .and(left, try not())
        }
        return left
    }

    private mutating func not() throws(TemplateError) -> Expression {
        guard skip(name: "not") else { return try comparison() }
        try enter()
        defer { leave() }
        return .not(try not())
    }

    private mutating func comparison() throws(TemplateError) -> Expression {
        let left = try sum()
        var rest: [(Comparison, Expression)] = []
        while let comparison = nextComparison() {
            advance()
            if comparison == .notWithin { advance() }
            rest.append((comparison, try sum()))
        }
        return rest.isEmpty ? left : .comparison(left, rest)
    }

    private func nextComparison() -> Comparison? {
        switch current {
        case .symbol(.equal): .equal
        case .symbol(.notEqual): .notEqual
        case .symbol(.less): .less
        case .symbol(.lessOrEqual): .lessOrEqual
        case .symbol(.greater): .greater
        case .symbol(.greaterOrEqual): .greaterOrEqual
        case .name("in"): .within
        case .name("not"): following == .name("in") ? .notWithin : nil
        default: nil
        }
    }

    private mutating func sum() throws(TemplateError) -> Expression {
        var left = try concatenation()
        var chain = 0
        while true {
            let arithmetic: Arithmetic
            if skip(.add) { arithmetic = .add } else if skip(.subtract) { arithmetic = .subtract } else { return left }
            chain += 1
            try check(chain: chain)
            left = .arithmetic(arithmetic, left, try concatenation())
        }
    }

    private mutating func concatenation() throws(TemplateError) -> Expression {
        var parts = [try product()]
        while skip(.concatenate) { parts.append(try product()) }
        return parts.count == 1 ? parts[0] : .concatenation(parts)
    }

    private mutating func product() throws(TemplateError) -> Expression {
        var left = try power()
        var chain = 0
        while let arithmetic = nextProduct() {
            advance()
            chain += 1
            try check(chain: chain)
            left = .arithmetic(arithmetic, left, try power())
        }
        return left
    }

    private func nextProduct() -> Arithmetic? {
        switch current {
        case .symbol(.multiply): .multiply
        case .symbol(.divide): .divide
        case .symbol(.floorDivide): .floorDivide
        case .symbol(.modulo): .modulo
        default: nil
        }
    }

    private mutating func power() throws(TemplateError) -> Expression {
        var left = try unary()
        var chain = 0
        while skip(.power) {
            chain += 1
            try check(chain: chain)
            left = .arithmetic(.power, left, try unary())
        }
        return left
    }

    private mutating func unary(withFilter: Bool = true) throws(TemplateError) -> Expression {
        try enter()
        defer { leave() }
        var value: Expression
        if skip(.subtract) {
            value = .negative(try unary(withFilter: false))
        } else if skip(.add) {
            value = .positive(try unary(withFilter: false))
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return withFilter ? try filtered(value) : value
    }
}
