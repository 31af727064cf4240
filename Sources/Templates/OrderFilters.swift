/// Filters that sort, group and pick by order.
enum OrderFilters {
    static let table: [String: Computation] = [
        "sort": sort, "dictsort": sortDict, "unique": unique, "groupby": group,
        "min": { call throws(TemplateError) in try extreme(call, isMaximum: false) },
        "max": { call throws(TemplateError) in try extreme(call, isMaximum: true) },
    ]

    /// The keys that `attribute` names, several with commas between; the element itself without it.
    private static func keys(
        _ call: Invocation, _ items: [Value], _ attribute: Value?, _ isCaseSensitive: Bool
    ) throws(TemplateError) -> [Value] {
        var paths: [Value?] = [attribute.flatMap { $0.isNone ? nil : $0 }]
        if case .text(let text)? = attribute {
            paths = text.split(separator: Text(","), limit: .max).map { .text($0) }
        }
        var keys: [Value] = []
        for item in items {
            var parts: [Value] = []
            for path in paths {
                let part = try path.map { (path) throws(TemplateError) in try call.renderer.member(path, of: item) }
                parts.append(try call.renderer.foldingCase(part ?? item, isCaseSensitive))
            }
            try call.renderer.charge(TemplateLimits.stepCost)
            keys.append(.list(parts))
        }
        return keys
    }

    @Sendable private static func sort(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("reverse", "case_sensitive", "attribute")
        let items = try call.renderer.elements(of: call.subject)
        let keys = try keys(call, items, bound[2], bound[1]?.isTrue ?? false)
        return .list(try call.renderer.sorted(items, by: keys, descending: bound[0]?.isTrue ?? false))
    }

    @Sendable private static func sortDict(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("case_sensitive", "by", "reverse")
        let by = try call.renderer.string(bound[1] ?? .text("key")).string
        guard by == "key" || by == "value" else {
            throw call.failure("You can only sort by either \"key\" or \"value\"")
        }
        guard case .dict(let dict) = call.subject else {
            throw call.failure("'\(call.subject.typeName)' object has no attribute 'items'")
        }
        var keys: [Value] = []
        for value in by == "key" ? dict.keys : dict.values {
            keys.append(try call.renderer.foldingCase(value, bound[0]?.isTrue ?? false))
        }
        try call.renderer.charge(dict.count * 4)
        return .list(try call.renderer.sorted(dict.items, by: keys, descending: bound[2]?.isTrue ?? false))
    }

    @Sendable private static func unique(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("case_sensitive", "attribute")
        let path = bound[1].flatMap { $0.isNone ? nil : $0 }
        var seen: Set<ValueKey> = []
        var kept: [Value] = []
        for item in try call.renderer.elements(of: call.subject) {
            try call.renderer.charge(TemplateLimits.stepCost)
            let part = try path.map { (path) throws(TemplateError) in try call.renderer.member(path, of: item) }
            let key = try call.renderer.foldingCase(part ?? item, bound[0]?.isTrue ?? false)
            if seen.insert(try call.renderer.key(key)).inserted { kept.append(item) }
        }
        return .generator(kept)
    }

    private static func extreme(_ call: Invocation, isMaximum: Bool) throws(TemplateError) -> Value {
        let bound = try call.bind("case_sensitive", "attribute")
        let path = bound[1].flatMap { $0.isNone ? nil : $0 }
        var best: (item: Value, key: Value)?
        for item in try call.renderer.elements(of: call.subject) {
            try call.renderer.charge(TemplateLimits.stepCost)
            let part = try path.map { (path) throws(TemplateError) in try call.renderer.member(path, of: item) }
            let key = try call.renderer.foldingCase(part ?? item, bound[0]?.isTrue ?? false)
            guard let current = best else {
                best = (item, key)
                continue
            }
            let isBetter =
                try isMaximum
                ? call.renderer.precedes(current.key, key) : call.renderer.precedes(key, current.key)
            if isBetter { best = (item, key) }
        }
        return best?.item ?? .undefined("No aggregated item, sequence was empty.")
    }

    @Sendable private static func group(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("attribute", "default", "case_sensitive")
        let path = try call.required(bound[0], "attribute")
        let fallback = bound[1].flatMap { $0.isNone ? nil : $0 }
        let items = try call.renderer.elements(of: call.subject)
        var keys: [Value] = []
        for item in items {
            try call.renderer.charge(TemplateLimits.stepCost)
            let key = try call.renderer.member(path, of: item, default: fallback)
            keys.append(try call.renderer.foldingCase(key, bound[2]?.isTrue ?? false))
        }
        let pairs = zip(items, keys).map { Value.tuple([$0, $1]) }
        var groups: [(key: Value, items: [Value])] = []
        for pair in try call.renderer.sorted(pairs, by: keys) {
            guard case .list(let pair) = pair else { continue }
            if let last = groups.last, try call.renderer.equal(last.key, pair.items[1]) {
                groups[groups.count - 1].items.append(pair.items[0])
            } else {
                groups.append((pair.items[1], [pair.items[0]]))
            }
        }
        var result: [Value] = []
        for group in groups {
            let key = try call.renderer.member(path, of: group.items[0], default: fallback)
            result.append(.list(ValueList([key, .list(group.items)], kind: .group)))
        }
        return .list(result)
    }
}
