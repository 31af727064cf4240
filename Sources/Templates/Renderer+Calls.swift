internal import OrderedCollections

/// A macro with the scope that it sees.
final class Macro {
    let definition: MacroDefinition
    let scope: Scope

    init(_ definition: MacroDefinition, _ scope: Scope) {
        self.definition = definition
        self.scope = scope
    }
}

/// Values that a call passes.
struct PassedArguments {
    var positional: [Value] = []
    var named: [(name: String, value: Value)] = []

    mutating func take(_ name: String) -> Value? {
        named.firstIndex { $0.name == name }.map { named.remove(at: $0).value }
    }
}

extension Renderer {
    /// The values of a call's arguments.
    func passed(_ arguments: Arguments, _ scope: Scope) throws(TemplateError) -> PassedArguments {
        var passed = PassedArguments()
        for expression in arguments.positional { passed.positional.append(try evaluate(expression, scope)) }
        for (name, expression) in arguments.named { passed.named.append((name, try evaluate(expression, scope))) }
        if let spread = arguments.spread {
            passed.positional += try elements(of: try evaluate(spread, scope))
            try charge(passed.positional.count)
        }
        if let spread = arguments.namedSpread {
            guard case .dict(let dict) = try evaluate(spread, scope) else {
                throw failure("argument after ** must be a mapping")
            }
            try charge(dict.count * (passed.named.count + dict.count))
            for entry in dict.entries.values {
                guard let name = entry.key.asText?.string else { throw failure("keywords must be strings") }
                guard !passed.named.contains(where: { $0.name == name }) else {
                    throw failure("got multiple values for keyword argument '\(name)'")
                }
                passed.named.append((name, entry.value))
            }
        }
        return passed
    }

    func call(_ callee: Value, _ arguments: PassedArguments) throws(TemplateError) -> Value {
        switch callee {
        case .macro(let macro): return .text(try call(macro, arguments))
        case .function(let function): return try call(function, arguments)
        case .method(let method):
            return try call(method, Invocation(renderer: self, subject: method.subject, passed: arguments))
        case .loop(let loop):
            guard let recursion = loop.recursion else {
                throw failure("The loop must have the 'recursive' marker to be called recursively.")
            }
            guard let value = arguments.positional.first else { throw failure("loop() misses what to loop over") }
            return .text(
                try capture { () throws(TemplateError) in
                    try run(recursion.loop, over: value, recursion.scope, depth: loop.depth0 + 1)
                })
        case .joiner(let joiner):
            defer { joiner.isUsed = true }
            return joiner.isUsed ? joiner.separator : .text("")
        case .undefined(let undefined): throw failure(undefined.message)
        default: throw failure("'\(callee.typeName)' object is not callable")
        }
    }

    /// The text of a macro.
    func call(_ macro: Macro, _ arguments: PassedArguments) throws(TemplateError) -> Text {
        let definition = macro.definition
        var arguments = arguments
        let scope = Scope(parent: macro.scope)
        let firstDefault = definition.parameters.count - definition.defaults.count
        var missing: [(String, Int)] = []
        for (index, name) in definition.parameters.enumerated() {
            if index < arguments.positional.count {
                scope.variables[name] = arguments.positional[index]
            } else if let value = arguments.take(name) {
                scope.variables[name] = value
            } else {
                missing.append((name, index))
            }
        }
        for (name, index) in missing {
            scope.variables[name] =
                index >= firstDefault
                ? try evaluate(definition.defaults[index - firstDefault], scope)
                : .undefined("parameter '\(name)' was not provided")
        }
        if definition.usesCaller, !definition.parameters.contains("caller") {
            scope.variables["caller"] = arguments.take("caller") ?? .undefined("No caller defined")
        }
        if definition.usesNamed {
            var dict = ValueDict()
            for (name, value) in arguments.named { dict.set(passed: name, value) }
            scope.variables["kwargs"] = .dict(dict)
        } else if let extra = arguments.named.first {
            throw failure("macro '\(definition.name)' takes no keyword argument '\(extra.name)'")
        }
        let rest = arguments.positional.dropFirst(definition.parameters.count)
        if definition.usesPositional {
            scope.variables["varargs"] = .tuple(Array(rest))
        } else if !rest.isEmpty {
            let count = definition.parameters.count
            throw failure("macro '\(definition.name)' takes not more than \(count) argument(s)")
        }
        let caller = line
        defer { line = caller }
        return try capture { () throws(TemplateError) in _ = try run(definition.body, scope) }
    }

    /// `{% call %}`: the body is passed as `caller`.
    func call(_ definition: MacroDefinition, _ call: Expression, _ scope: Scope) throws(TemplateError) -> Text {
        guard case .call(let callee, let arguments) = call else { return Text() }
        track(scope)
        var passed = try passed(arguments, scope)
        passed.named.append(("caller", .macro(Macro(definition, scope))))
        return try string(try self.call(try evaluate(callee, scope), passed))
    }

    // MARK: Functions of every template

    private func call(_ function: GlobalFunction, _ arguments: PassedArguments) throws(TemplateError) -> Value {
        let invocation = Invocation(renderer: self, subject: .none, passed: arguments)
        switch function {
        case .range: return .range(try range(try invocation.integers(function.rawValue, 1...3)))
        case .dict: return .dict(try members(arguments))
        case .namespace: return track(Namespace(try members(arguments)))
        case .cycler:
            guard !arguments.positional.isEmpty else { throw failure("at least one item has to be provided") }
            return try checked(.cycler(Cycler(arguments.positional)))
        case .joiner:
            let bound = try invocation.bind("sep")
            return try checked(.joiner(Joiner(bound[0] ?? .text(", "))))
        case .raise:
            let message = try invocation.required(try invocation.bind("message")[0], "message")
            throw .raised(try string(message).string)
        case .formatNow:
            let format = try invocation.required(try invocation.bind("format")[0], "format")
            guard let text = format.asText else { throw failure("strftime_now needs a format") }
            try charge(text.count * 10)
            return .text(Text(now.formatted(text.string), isSent: text.hasSent))
        }
    }

    /// What `dict(…)` and `namespace(…)` are made of: a dict or pairs, and named values.
    private func members(_ arguments: PassedArguments) throws(TemplateError) -> ValueDict {
        var dict = ValueDict()
        guard arguments.positional.count <= 1 else { throw failure("expected at most 1 argument") }
        switch arguments.positional.first {
        case nil: break
        case .dict(let given): dict = given
        case .some(let value):
            for pair in try elements(of: value) {
                let pair = try elements(of: pair)
                guard pair.count == 2 else { throw failure("a dict is made of pairs") }
                dict.set(try key(pair[0]), ValueDict.Entry(key: pair[0], value: pair[1]))
            }
        }
        for (name, value) in arguments.named { dict.set(passed: name, value) }
        try charge(dict.count)
        _ = try checked(.dict(dict))
        return dict
    }

    private func range(_ bounds: [Int]) throws(TemplateError) -> ValueRange {
        let start = bounds.count > 1 ? bounds[0] : 0
        let stop = bounds.count > 1 ? bounds[1] : bounds[0]
        let step = bounds.count > 2 ? bounds[2] : 1
        guard step != 0 else { throw failure("range() arg 3 must not be zero") }
        let (span, overflows) =
            step > 0
            ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
        let width = step == .min ? Int.max : abs(step)
        let count = overflows ? (stop > start) == (step > 0) ? Int.max : 0 : span <= 0 ? 0 : (span - 1) / width + 1
        guard count <= limits.rangeLength else {
            throw .limit(
                line: line, reason: "Range too big. The sandbox blocks ranges larger than \(limits.rangeLength).")
        }
        return ValueRange(start: start, stop: stop, step: step, count: count)
    }
}
