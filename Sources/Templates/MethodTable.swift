/// The methods of Python's types that a template can call.
enum MethodTable {
    static let text: [String: Computation] = TextMethods.table.merging(TextMethods.checks) { first, _ in first }
        .merging(TextMethods.partitions) { first, _ in first }

    static let dict: [String: Computation] = [
        "keys": { call throws(TemplateError) in try view(call, "dict_keys", \.keys) },
        "values": { call throws(TemplateError) in try view(call, "dict_values", \.values) },
        "items": { call throws(TemplateError) in try view(call, "dict_items", \.items) },
        "get": get,
        "copy": { call throws(TemplateError) in call.subject },
    ]

    static let list: [String: Computation] = [
        "index": index, "count": count, "copy": { call throws(TemplateError) in call.subject },
    ]

    /// What jinja2's immutable sandbox keeps from templates.
    static let changingDicts: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]
    static let changingLists: Set<String> = [
        "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
    ]

    private static func view(
        _ call: Invocation, _ name: String, _ items: (ValueDict) -> [Value]
    ) throws(TemplateError) -> Value {
        _ = try call.bind()
        guard case .dict(let dict) = call.subject else { return .none }
        try call.renderer.charge(dict.count * 2)
        return .view(name, ValueList(items(dict)))
    }

    @Sendable private static func get(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("key", "default")
        guard case .dict(let dict) = call.subject else { return .none }
        return dict[try call.renderer.key(try call.required(bound[0], "key"))] ?? bound[1] ?? .none
    }

    @Sendable private static func index(_ call: Invocation) throws(TemplateError) -> Value {
        let value = try call.required(try call.bind("value")[0], "value")
        for (index, item) in try call.renderer.elements(of: call.subject).enumerated()
        where try call.renderer.equal(item, value) { return .int(index) }
        throw call.failure("\(try call.renderer.representation(value).string) is not in list")
    }

    @Sendable private static func count(_ call: Invocation) throws(TemplateError) -> Value {
        let value = try call.required(try call.bind("value")[0], "value")
        var count = 0
        for item in try call.renderer.elements(of: call.subject) where try call.renderer.equal(item, value) {
            count += 1
        }
        return .int(count)
    }
}

extension Renderer {
    /// Calls a method on its subject.
    func call(_ method: BoundMethod, _ call: Invocation) throws(TemplateError) -> Value {
        switch method.subject {
        case .text: if let body = MethodTable.text[method.name] { return try body(call) }
        case .dict: if let body = MethodTable.dict[method.name] { return try body(call) }
        case .list: if let body = MethodTable.list[method.name] { return try body(call) }
        case .loop(let loop):
            if method.name == "cycle" {
                let values = call.passed.positional
                guard !values.isEmpty else { throw failure("no items for cycling given") }
                return values[loop.index0 % values.count]
            }
            let values = call.passed.positional
            let isSame = try loop.lastSeen.map { (seen) throws(TemplateError) in
                try equal(.tuple(seen), .tuple(values))
            }
            loop.lastSeen = values
            return .bool(isSame != true)
        case .cycler(let cycler):
            if method.name == "reset" {
                cycler.place = 0
                return .none
            }
            defer { cycler.place = (cycler.place + 1) % cycler.items.items.count }
            return cycler.current
        default: break
        }
        throw failure("'\(method.subject.typeName)' object has no method '\(method.name)'")
    }
}
