extension Renderer {
    /// How a body ended.
    enum Outcome { case completed, breaksLoop, continuesLoop }

    /// Runs statements in a scope.
    func run(_ statements: [Statement], _ scope: Scope) throws(TemplateError) -> Outcome {
        try enter()
        defer { leave() }
        for statement in statements {
            let outcome = try run(statement, scope)
            if outcome != .completed { return outcome }
        }
        return .completed
    }

    private func run(_ statement: Statement, _ scope: Scope) throws(TemplateError) -> Outcome {
        switch statement {
        case .line(let number): line = number
        case .data(let text): try write(text)
        case .output(let expression): try write(try string(try evaluate(expression, scope)))
        case .set(let target, let expression):
            try assign(target, try evaluate(expression, scope), scope)
        case .setBlock(let target, let filter, let body):
            try assign(target, try filtered(try captured(body, scope), filter, scope), scope)
        case .loop(let loop): return try run(loop, scope)
        case .branch(let branches, let otherwise):
            for branch in branches where try evaluate(branch.test, scope).isTrue { return try run(branch.body, scope) }
            return try run(otherwise, scope)
        case .macro(let definition):
            track(scope)
            scope.variables[definition.name] = .macro(Macro(definition, scope))
        case .call(let definition, let call): try write(try self.call(definition, call, scope))
        case .filterBlock(let filter, let body):
            try write(try string(try filtered(try captured(body, scope), filter, scope)))
        case .with(let bindings, let body):
            let inner = Scope(parent: scope)
            for (target, expression) in bindings { try assign(target, try evaluate(expression, scope), inner) }
            return try run(body, inner)
        case .scope(let body): return try run(body, Scope(parent: scope))
        case .breakLoop: return .breaksLoop
        case .continueLoop: return .continuesLoop
        case .unavailable(let reason): throw failure(reason)
        }
        return .completed
    }

    /// The text that a body writes.
    private func captured(_ body: [Statement], _ scope: Scope) throws(TemplateError) -> Value {
        .text(try capture { () throws(TemplateError) in _ = try run(body, Scope(parent: scope)) })
    }

    private func filtered(_ value: Value, _ filter: Expression?, _ scope: Scope) throws(TemplateError) -> Value {
        guard let filter else { return value }
        return try apply(filter, to: value, scope)
    }

    /// Runs filters whose innermost subject is a block's text.
    private func apply(_ filter: Expression, to value: Value, _ scope: Scope) throws(TemplateError) -> Value {
        guard case .filter(let subject, let name, let arguments) = filter else {
            return try evaluate(filter, scope)
        }
        return try self.filter(try filtered(value, subject, scope), name, try passed(arguments, scope))
    }

    // MARK: Assignment

    func assign(_ target: Target, _ value: Value, _ scope: Scope) throws(TemplateError) {
        switch target {
        case .name(let name): scope.variables[name] = try checked(value)
        case .member(let object, let name):
            guard case .namespace(let namespace)? = scope[object] else {
                throw failure("cannot assign attribute on non-namespace object")
            }
            namespace.members.set(name, try checked(value))
        case .tuple(let targets):
            let values = try elements(of: value)
            guard values.count >= targets.count else {
                throw failure("not enough values to unpack (expected \(targets.count), got \(values.count))")
            }
            guard values.count == targets.count else {
                throw failure("too many values to unpack (expected \(targets.count))")
            }
            for (target, value) in zip(targets, values) { try assign(target, value, scope) }
        }
    }

    // MARK: Loops

    private func run(_ loop: Loop, _ scope: Scope) throws(TemplateError) -> Outcome {
        try run(loop, over: try evaluate(loop.elements, scope), scope, depth: 0)
        return .completed
    }

    /// One loop over elements; a recursive loop calls it again for each level.
    func run(_ loop: Loop, over value: Value, _ scope: Scope, depth: Int) throws(TemplateError) {
        var items = try elements(of: value)
        try charge(items.count)
        if let test = loop.test {
            var kept: [Value] = []
            for item in items {
                let inner = Scope(parent: scope)
                try assign(loop.target, item, inner)
                if try evaluate(test, inner).isTrue { kept.append(item) }
            }
            items = kept
        }
        guard !items.isEmpty else {
            _ = try run(loop.otherwise, Scope(parent: scope))
            return
        }
        let state = LoopState(items, depth0: depth, recursion: loop.isRecursive ? (loop, scope) : nil)
        _ = try checked(.loop(state))
        for (index, item) in items.enumerated() {
            state.index0 = index
            let inner = Scope(parent: scope)
            inner.variables["loop"] = .loop(state)
            try assign(loop.target, item, inner)
            if try run(loop.body, inner) == .breaksLoop { break }
        }
    }
}

/// The `loop` variable.
final class LoopState {
    let items: [Value]
    let depthOfValues: Int
    let depth0: Int
    var index0 = 0
    /// What `changed` saw last.
    var lastSeen: [Value]?
    /// The loop and the scope around it, if it may be called.
    let recursion: (loop: Loop, scope: Scope)?

    init(_ items: [Value], depth0: Int, recursion: (loop: Loop, scope: Scope)?) {
        self.items = items
        self.depth0 = depth0
        self.recursion = recursion
        depthOfValues = 1 + items.reduce(0) { max($0, $1.depth) }
    }

    /// An attribute; nil for a name that loops do not have.
    subscript(name: String) -> Value? {
        switch name {
        case "index": .int(index0 + 1)
        case "index0": .int(index0)
        case "revindex": .int(items.count - index0)
        case "revindex0": .int(items.count - index0 - 1)
        case "first": .bool(index0 == 0)
        case "last": .bool(index0 == items.count - 1)
        case "length": .int(items.count)
        case "depth": .int(depth0 + 1)
        case "depth0": .int(depth0)
        case "previtem": index0 > 0 ? items[index0 - 1] : .undefined("there is no previous item")
        case "nextitem": index0 + 1 < items.count ? items[index0 + 1] : .undefined("there is no next item")
        default: nil
        }
    }
}
