/// Every test (`value is …`) by name.
enum TestTable {
    static let tests: [String: Check] = kinds.merging(relations) { first, _ in first }

    private static let kinds: [String: Check] = [
        "defined": { call throws(TemplateError) in !call.subject.isUndefined },
        "undefined": { call throws(TemplateError) in call.subject.isUndefined },
        "none": { call throws(TemplateError) in call.subject.isNone },
        "boolean": { call throws(TemplateError) in call.subject.typeName == "bool" },
        "true": { call throws(TemplateError) in call.renderer.same(call.subject, .bool(true)) },
        "false": { call throws(TemplateError) in call.renderer.same(call.subject, .bool(false)) },
        "integer": { call throws(TemplateError) in call.subject.typeName == "int" },
        "float": { call throws(TemplateError) in call.subject.typeName == "float" },
        "number": { call throws(TemplateError) in ["int", "float", "bool"].contains(call.subject.typeName) },
        "string": { call throws(TemplateError) in call.subject.asText != nil },
        "mapping": { call throws(TemplateError) in call.subject.typeName == "dict" },
        "sequence": isSequence, "iterable": isIterable, "callable": isCallable,
        "escaped": { call throws(TemplateError) in call.subject.asText?.isMarkup ?? false },
        "lower": { call throws(TemplateError) in try call.subjectText().isAll(uppercase: false) },
        "upper": { call throws(TemplateError) in try call.subjectText().isAll(uppercase: true) },
        "odd": { call throws(TemplateError) in try remainder(call, .int(2)) == 1 },
        "even": { call throws(TemplateError) in try remainder(call, .int(2)) == 0 },
        "divisibleby": { call throws(TemplateError) in try remainder(call, try other(call, "num")) == 0 },
        "filter": { call throws(TemplateError) in
            FilterTable.filters[try call.text(call.subject, "the name of a filter").string] != nil
        },
        "test": { call throws(TemplateError) in
            tests[try call.text(call.subject, "the name of a test").string] != nil
        },
    ]

    private static let relations: [String: Check] = [
        "sameas": isSame,
        "in": { call throws(TemplateError) in
            try call.renderer.contains(try other(call, "seq"), call.subject)
        },
        "==": equal, "eq": equal, "equalto": equal,
        "!=": { call throws(TemplateError) in try !equal(call) },
        "ne": { call throws(TemplateError) in try !equal(call) },
        ">": greater, "gt": greater, "greaterthan": greater,
        ">=": { call throws(TemplateError) in try holds(.greaterOrEqual, call) },
        "ge": { call throws(TemplateError) in try holds(.greaterOrEqual, call) },
        "<": less, "lt": less, "lessthan": less,
        "<=": { call throws(TemplateError) in try holds(.lessOrEqual, call) },
        "le": { call throws(TemplateError) in try holds(.lessOrEqual, call) },
    ]

    /// Lists and dicts cannot change, so equal ones cannot be told apart.
    @Sendable private static func isSame(_ call: Invocation) throws(TemplateError) -> Bool {
        let value = try other(call, "other")
        switch (call.subject, value) {
        case (.list, .list), (.dict, .dict), (.float, .float): return try call.renderer.equal(call.subject, value)
        default: return call.renderer.same(call.subject, value)
        }
    }

    @Sendable private static func equal(_ call: Invocation) throws(TemplateError) -> Bool { try holds(.equal, call) }
    @Sendable private static func less(_ call: Invocation) throws(TemplateError) -> Bool { try holds(.less, call) }
    @Sendable private static func greater(_ call: Invocation) throws(TemplateError) -> Bool {
        try holds(.greater, call)
    }

    private static func holds(_ comparison: Comparison, _ call: Invocation) throws(TemplateError) -> Bool {
        try call.renderer.holds(comparison, call.subject, try other(call, "other"))
    }

    private static func other(_ call: Invocation, _ name: String) throws(TemplateError) -> Value {
        try call.required(try call.bind(name)[0], name)
    }

    private static func remainder(_ call: Invocation, _ divisor: Value) throws(TemplateError) -> Double? {
        if case .text = call.subject { throw call.failure("not all arguments converted during string formatting") }
        return try call.renderer.arithmetic(.modulo, call.subject, divisor).asDouble
    }

    @Sendable private static func isSequence(_ call: Invocation) throws(TemplateError) -> Bool {
        switch call.subject {
        case .undefined: false
        case .text, .list, .dict, .range: true
        default: false
        }
    }

    @Sendable private static func isIterable(_ call: Invocation) throws(TemplateError) -> Bool {
        switch call.subject {
        case .undefined, .text, .list, .dict, .view, .range, .iterator, .loop: true
        default: false
        }
    }

    @Sendable private static func isCallable(_ call: Invocation) throws(TemplateError) -> Bool {
        switch call.subject {
        case .undefined, .macro, .method, .function, .loop, .joiner: true
        default: false
        }
    }
}
