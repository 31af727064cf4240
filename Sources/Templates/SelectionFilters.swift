/// Filters that apply a test or another filter to each element.
enum SelectionFilters {
    static let table: [String: Computation] = [
        "map": map,
        "select": { call throws(TemplateError) in try select(call, keeps: true, byAttribute: false) },
        "reject": { call throws(TemplateError) in try select(call, keeps: false, byAttribute: false) },
        "selectattr": { call throws(TemplateError) in try select(call, keeps: true, byAttribute: true) },
        "rejectattr": { call throws(TemplateError) in try select(call, keeps: false, byAttribute: true) },
    ]

    @Sendable private static func map(_ call: Invocation) throws(TemplateError) -> Value {
        guard call.subject.isTrue else { return .generator([]) }
        var passed = call.passed
        var mapped: [Value] = []
        if passed.positional.isEmpty, let attribute = passed.take("attribute") {
            let fallback = passed.take("default").flatMap { $0.isNone ? nil : $0 }
            if let extra = passed.named.first { throw call.failure("Unexpected keyword argument '\(extra.name)'") }
            for item in try call.renderer.elements(of: call.subject) {
                try call.renderer.charge(TemplateLimits.stepCost)
                mapped.append(try call.renderer.member(attribute, of: item, default: fallback))
            }
            return .generator(mapped)
        }
        guard let name = passed.positional.first else { throw call.failure("map requires a filter argument") }
        passed.positional.removeFirst()
        let filter = try call.text(name, "the name of a filter").string
        for item in try call.renderer.elements(of: call.subject) {
            try call.renderer.enter()
            mapped.append(try call.renderer.filter(item, filter, passed))
            call.renderer.leave()
        }
        return .generator(mapped)
    }

    private static func select(
        _ call: Invocation, keeps: Bool, byAttribute: Bool
    ) throws(TemplateError) -> Value {
        guard call.subject.isTrue else { return .generator([]) }
        var passed = call.passed
        var attribute: Value?
        if byAttribute {
            guard let first = passed.positional.first else {
                throw call.failure("Missing parameter for attribute name")
            }
            attribute = first
            passed.positional.removeFirst()
        }
        var test: String?
        if let name = passed.positional.first {
            test = try call.text(name, "the name of a test").string
            passed.positional.removeFirst()
        }
        var kept: [Value] = []
        for item in try call.renderer.elements(of: call.subject) {
            try call.renderer.enter()
            defer { call.renderer.leave() }
            let value = try attribute.map { (path) throws(TemplateError) in try call.renderer.member(path, of: item) }
            let subject = value ?? item
            let passes = try test.map { (name) throws(TemplateError) in try call.renderer.test(subject, name, passed) }
            if passes ?? subject.isTrue == keeps { kept.append(item) }
        }
        return .generator(kept)
    }
}
