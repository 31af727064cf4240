/// Methods of `str` that cut it, search in it or ask what it is made of.
extension TextMethods {
    static let partitions: [String: Computation] = [
        "split": { call throws(TemplateError) in try split(call, fromEnd: false) },
        "rsplit": { call throws(TemplateError) in try split(call, fromEnd: true) },
        "splitlines": lines,
        "partition": { call throws(TemplateError) in try partition(call, fromEnd: false) },
        "rpartition": { call throws(TemplateError) in try partition(call, fromEnd: true) },
        "find": { call throws(TemplateError) in .int(try find(call, last: false) ?? -1) },
        "rfind": { call throws(TemplateError) in .int(try find(call, last: true) ?? -1) },
        "index": { call throws(TemplateError) in try index(call, last: false) },
        "rindex": { call throws(TemplateError) in try index(call, last: true) },
        "count": count,
        "startswith": { call throws(TemplateError) in try touches(call, atEnd: false) },
        "endswith": { call throws(TemplateError) in try touches(call, atEnd: true) },
    ]

    static let checks: [String: Computation] = [
        "isspace": { call throws(TemplateError) in try isAll(call) { Text.isSpace($0) } },
        "isdigit": { call throws(TemplateError) in
            try isAll(call) { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        },
        "isdecimal": { call throws(TemplateError) in try isAll(call) { $0.properties.numericType == .decimal } },
        "isnumeric": { call throws(TemplateError) in try isAll(call) { $0.properties.numericType != nil } },
        "isalpha": { call throws(TemplateError) in try isAll(call, isLetter) },
        "isalnum": { call throws(TemplateError) in
            try isAll(call) { isLetter($0) || $0.properties.numericType != nil }
        },
        "isascii": { call throws(TemplateError) in
            let text = try call.subjectText()
            return .bool(text.isEmpty || text.isAll(\.isASCII))
        },
        "isupper": { call throws(TemplateError) in .bool(try call.subjectText().isAll(uppercase: true)) },
        "islower": { call throws(TemplateError) in .bool(try call.subjectText().isAll(uppercase: false)) },
        "istitle": { call throws(TemplateError) in
            let text = try call.subjectText()
            return .bool(text.titlecased == text && text.units.contains { Text.scalar($0).properties.isCased })
        },
        "isidentifier": { call throws(TemplateError) in
            let text = try call.subjectText()
            let startsWithDigit = text.units.first.map { Text.scalar($0).properties.numericType != nil } ?? true
            let isWord = text.isAll { $0 == "_" || isLetter($0) || $0.properties.numericType != nil }
            return .bool(isWord && !startsWithDigit)
        },
    ]

    private static func isAll(
        _ call: Invocation, _ passes: (Unicode.Scalar) -> Bool
    ) throws(TemplateError) -> Value {
        .bool(try call.subjectText().isAll(passes))
    }

    @Sendable private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    private static func split(_ call: Invocation, fromEnd: Bool) throws(TemplateError) -> Value {
        let bound = try call.bind("sep", "maxsplit")
        let limit = try call.integer(bound[1] ?? .int(-1), "maxsplit")
        let cuts = limit < 0 ? Int.max : limit
        let text = try call.subjectText()
        try call.renderer.charge(characters: text.count)
        let parts: [Text]
        if let separator = bound[0], !separator.isNone {
            let separator = try call.text(separator, "sep")
            guard !separator.isEmpty else { throw call.failure("empty separator") }
            parts =
                fromEnd
                ? text.splitFromEnd(separator: separator, limit: cuts) : text.split(separator: separator, limit: cuts)
        } else {
            parts = fromEnd ? text.splitAtSpacesFromEnd(limit: cuts) : text.splitAtSpaces(limit: cuts)
        }
        try call.renderer.charge(parts.count * 16)
        return .list(parts.map { .text($0) })
    }

    @Sendable private static func lines(_ call: Invocation) throws(TemplateError) -> Value {
        let keepsEnds = try call.bind("keepends")[0]?.isTrue ?? false
        let lines = try call.subjectText().lines(keepsEnds: keepsEnds)
        try call.renderer.charge(lines.count * 16)
        return .list(lines.map { .text($0) })
    }

    private static func partition(_ call: Invocation, fromEnd: Bool) throws(TemplateError) -> Value {
        let text = try call.subjectText()
        let separator = try call.text(try call.required(try call.bind("sep")[0], "sep"), "sep")
        guard !separator.isEmpty else { throw call.failure("empty separator") }
        try call.renderer.charge(characters: text.count)
        guard let place = fromEnd ? text.findLast(separator) : text.find(separator) else {
            let parts = [text, Text(), Text()]
            return .tuple((fromEnd ? parts.reversed() : parts).map { .text($0) })
        }
        let end = place + separator.count
        let parts = [text.units[..<place], text.units[place..<end], text.units[end...]]
        return .tuple(parts.map { .text(Text(units: $0)) })
    }

    /// The bounds that `start` and `end` mean in a text; nil where no text is within them.
    private static func bounds(
        _ call: Invocation, _ start: Value?, _ end: Value?, _ count: Int
    ) throws(TemplateError) -> Range<Int>? {
        func place(_ value: Value?, _ fallback: Int) throws(TemplateError) -> Int {
            guard let value, !value.isNone else { return fallback }
            let place = try call.integer(value, "start")
            return place < 0 ? max(0, place + count) : place
        }
        let lower = try place(start, 0)
        let upper = min(try place(end, count), count)
        return lower <= upper ? lower..<upper : nil
    }

    private static func find(_ call: Invocation, last: Bool) throws(TemplateError) -> Int? {
        let bound = try call.bind("sub", "start", "end")
        let text = try call.subjectText()
        let part = try call.text(try call.required(bound[0], "sub"), "must be str")
        guard let range = try bounds(call, bound[1], bound[2], text.count) else { return nil }
        try call.renderer.charge(text.count)
        return last
            ? text.findLast(part, from: range.lowerBound, to: range.upperBound)
            : text.find(part, from: range.lowerBound, to: range.upperBound)
    }

    private static func index(_ call: Invocation, last: Bool) throws(TemplateError) -> Value {
        guard let place = try find(call, last: last) else { throw call.failure("substring not found") }
        return .int(place)
    }

    @Sendable private static func count(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("sub", "start", "end")
        let text = try call.subjectText()
        let part = try call.text(try call.required(bound[0], "sub"), "must be str")
        guard let range = try bounds(call, bound[1], bound[2], text.count) else { return .int(0) }
        return .int(text.occurrences(of: part, from: range.lowerBound, to: range.upperBound))
    }

    private static func touches(_ call: Invocation, atEnd: Bool) throws(TemplateError) -> Value {
        let bound = try call.bind("part", "start", "end")
        let text = try call.subjectText()
        let given = try call.required(bound[0], "part")
        var parts = [given]
        if case .list(let list) = given, list.isTuple { parts = list.items }
        guard let range = try bounds(call, bound[1], bound[2], text.count) else { return .bool(false) }
        for part in parts {
            let name = atEnd ? "endswith" : "startswith"
            guard let part = part.asText else {
                throw call.failure("\(name) first arg must be str or a tuple of str, not \(part.typeName)")
            }
            try call.renderer.charge(part.count)
            guard part.count <= range.count else { continue }
            if text.has(part, at: atEnd ? range.upperBound - part.count : range.lowerBound) { return .bool(true) }
        }
        return .bool(false)
    }
}
