extension Renderer {
    /// The value of an expression.
    func evaluate(_ expression: Expression, _ scope: Scope) throws(TemplateError) -> Value {
        try enter()
        defer { leave() }
        switch expression {
        case .literal(let literal): return literal.value
        case .name(let name): return scope[name] ?? .undefined("'\(name)' is undefined")
        case .list(let items): return try checked(.list(try values(items, scope)))
        case .tuple(let items): return try checked(.tuple(try values(items, scope)))
        case .dict(let members): return try dict(members, scope)
        case .attribute(let value, let name): return try attribute(name, of: try evaluate(value, scope))
        case .item(let value, let key): return try item(try evaluate(key, scope), of: try evaluate(value, scope))
        case .slice(let value, let start, let stop, let step):
            return try slice(
                try evaluate(value, scope), try bound(start, scope), try bound(stop, scope), try bound(step, scope))
        case .call(let callee, let arguments):
            return try checked(try call(try evaluate(callee, scope), try passed(arguments, scope)))
        case .filter(let subject, let name, let arguments):
            let value = try subject.map { (expression) throws(TemplateError) in try evaluate(expression, scope) }
            return try checked(try filter(value ?? .text(""), name, try passed(arguments, scope)))
        case .test(let subject, let name, let arguments):
            return .bool(try test(try evaluate(subject, scope), name, try passed(arguments, scope)))
        case .concatenation(let parts):
            var text: [UInt32] = []
            for part in parts { text += try string(try evaluate(part, scope)).units }
            try charge(characters: text.count)
            return .text(Text(units: text))
        default: return try operation(expression, scope)
        }
    }

    private func values(_ expressions: [Expression], _ scope: Scope) throws(TemplateError) -> [Value] {
        var values: [Value] = []
        for expression in expressions { values.append(try evaluate(expression, scope)) }
        return values
    }

    private func dict(
        _ members: [(key: Expression, value: Expression)], _ scope: Scope
    ) throws(TemplateError) -> Value {
        var dict = ValueDict()
        for member in members {
            let key = try evaluate(member.key, scope)
            dict.set(try self.key(key), ValueDict.Entry(key: key, value: try evaluate(member.value, scope)))
        }
        return try checked(.dict(dict))
    }

    /// A bound of a slice; nil where there is none.
    private func bound(_ expression: Expression?, _ scope: Scope) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression, scope)
        if value.isNone { return nil }
        guard let bound = value.asInt else {
            throw failure("slice indices must be integers or None, not \(value.typeName)")
        }
        return bound
    }

    private func operation(_ expression: Expression, _ scope: Scope) throws(TemplateError) -> Value {
        switch expression {
        case .not(let value): return .bool(!(try evaluate(value, scope).isTrue))
        case .negative(let value): return try signed(try evaluate(value, scope), isNegative: true)
        case .positive(let value): return try signed(try evaluate(value, scope), isNegative: false)
        case .arithmetic(let operation, let left, let right):
            let left = try evaluate(left, scope)
            return try checked(try arithmetic(operation, left, try evaluate(right, scope)))
        case .comparison(let first, let rest):
            var left = try evaluate(first, scope)
            for (comparison, expression) in rest {
                let right = try evaluate(expression, scope)
                guard try holds(comparison, left, right) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .and(let left, let right):
            let left = try evaluate(left, scope)
            return left.isTrue ? try evaluate(right, scope) : left
        case .or(let left, let right):
            let left = try evaluate(left, scope)
            return left.isTrue ? left : try evaluate(right, scope)
        case .condition(let test, let value, let otherwise):
            if try evaluate(test, scope).isTrue { return try evaluate(value, scope) }
            guard let otherwise else {
                return .undefined("the inline if-expression evaluated to false and no else section was defined.")
            }
            return try evaluate(otherwise, scope)
        default: return .none
        }
    }
}
