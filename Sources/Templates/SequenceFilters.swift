/// Filters that take elements from sequences or put them together.
enum SequenceFilters {
    static let table: [String: Computation] = [
        "length": length, "count": length, "first": first, "last": last, "list": list, "reverse": reverse,
        "items": items, "batch": batch, "slice": slice, "default": fallback, "d": fallback, "attr": attribute,
    ]

    @Sendable private static func length(_ call: Invocation) throws(TemplateError) -> Value {
        guard let length = call.renderer.length(of: call.subject) else {
            throw call.failure("object of type '\(call.subject.typeName)' has no len()")
        }
        return .int(length)
    }

    @Sendable private static func first(_ call: Invocation) throws(TemplateError) -> Value {
        let missing = Value.undefined("No first item, sequence was empty.")
        switch call.subject {
        case .text(let text): return text.units.first.map { .text(Text(units: [$0])) } ?? missing
        case .list(let list), .view(_, let list): return list.items.first ?? missing
        case .iterator(let iterator): return iterator.next() ?? missing
        default: return try call.renderer.elements(of: call.subject).first ?? missing
        }
    }

    @Sendable private static func last(_ call: Invocation) throws(TemplateError) -> Value {
        let missing = Value.undefined("No last item, sequence was empty.")
        switch call.subject {
        case .text(let text): return text.units.last.map { .text(Text(units: [$0])) } ?? missing
        case .list(let list), .view(_, let list): return list.items.last ?? missing
        case .iterator: throw call.failure("'generator' object is not reversible")
        default: return try call.renderer.elements(of: call.subject).last ?? missing
        }
    }

    @Sendable private static func list(_ call: Invocation) throws(TemplateError) -> Value {
        let items = try call.renderer.elements(of: call.subject)
        try call.renderer.charge(items.count)
        return .list(items)
    }

    @Sendable private static func reverse(_ call: Invocation) throws(TemplateError) -> Value {
        if case .text(let text) = call.subject { return try call.result(text.reversed) }
        let items = try call.renderer.elements(of: call.subject)
        try call.renderer.charge(items.count)
        return .generator(items.reversed())
    }

    @Sendable private static func items(_ call: Invocation) throws(TemplateError) -> Value {
        switch call.subject {
        case .undefined: return .generator([])
        case .dict(let dict):
            try call.renderer.charge(dict.count * 2)
            return .generator(dict.items)
        default: throw call.failure("Can only get item pairs from a mapping.")
        }
    }

    @Sendable private static func batch(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("linecount", "fill_with")
        let width = try call.integer(try call.required(bound[0], "linecount"), "linecount")
        let items = try call.renderer.elements(of: call.subject)
        try call.renderer.charge(items.count)
        guard width > 0 else { throw call.failure("batch: linecount must be positive") }
        var batches: [Value] = []
        for start in stride(from: 0, to: items.count, by: width) {
            var batch = Array(items[start..<min(items.count, start + min(width, items.count))])
            if let filling = bound[1], !filling.isNone, batch.count < width {
                try call.renderer.charge(characters: width)
                batch += [Value](repeating: filling, count: width - batch.count)
            }
            batches.append(.list(batch))
        }
        return .generator(batches)
    }

    @Sendable private static func slice(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("slices", "fill_with")
        let count = try call.integer(try call.required(bound[0], "slices"), "slices")
        let items = try call.renderer.elements(of: call.subject)
        guard count > 0 else { throw call.failure("integer division or modulo by zero") }
        try call.renderer.charge(characters: items.count)
        try call.renderer.charge(characters: count)
        let (width, longer) = items.count.quotientAndRemainder(dividingBy: count)
        var slices: [Value] = []
        var start = 0
        for number in 0..<count {
            let end = start + width + (number < longer ? 1 : 0)
            var slice = Array(items[start..<end])
            if let filling = bound[1], !filling.isNone, number >= longer { slice.append(filling) }
            slices.append(.list(slice))
            start = end
        }
        return .generator(slices)
    }

    @Sendable private static func fallback(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("default_value", "boolean")
        let isMissing = call.subject.isUndefined || (bound[1]?.isTrue == true && !call.subject.isTrue)
        return isMissing ? bound[0] ?? .text("") : call.subject
    }

    @Sendable private static func attribute(_ call: Invocation) throws(TemplateError) -> Value {
        let name = try call.text(try call.required(try call.bind("name")[0], "name"), "name").string
        if case .dict = call.subject, MethodTable.dict[name] == nil {
            return .undefined("'dict' object has no attribute '\(name)'")
        }
        return try call.renderer.attribute(name, of: call.subject)
    }
}

extension Renderer {
    /// An element by a path such as `function.name` or `0`, as the `attribute` of filters gives it.
    func member(_ path: Value, of value: Value, default fallback: Value? = nil) throws(TemplateError) -> Value {
        var value = value
        for part in pathParts(path) {
            value = try item(part, of: value)
            if value.isUndefined, let fallback { value = fallback }
        }
        return value
    }

    private func pathParts(_ path: Value) -> [Value] {
        guard case .text(let text) = path else { return [path] }
        return text.split(separator: Text("."), limit: .max).map { part in
            let isNumber = part.isAll { ("0"..."9").contains($0) }
            return isNumber ? Int(part.string).map { .int($0) } ?? .text(part) : .text(part)
        }
    }

    /// Lower case for texts where case does not count.
    func foldingCase(_ value: Value, _ isCaseSensitive: Bool) throws(TemplateError) -> Value {
        guard !isCaseSensitive, case .text(let text) = value else { return value }
        try charge(text.count)
        return .text(text.lowercased)
    }
}
