internal import OrderedCollections

/// Methods of `str`.
enum TextMethods {
    static let table: [String: Computation] = [
        "upper": { call throws(TemplateError) in try call.result(call.subjectText().uppercased) },
        "lower": { call throws(TemplateError) in try call.result(call.subjectText().lowercased) },
        "casefold": { call throws(TemplateError) in try call.result(call.subjectText().lowercased) },
        "title": { call throws(TemplateError) in try call.result(call.subjectText().titlecased) },
        "capitalize": { call throws(TemplateError) in try call.result(call.subjectText().capitalized) },
        "swapcase": { call throws(TemplateError) in try call.result(call.subjectText().caseSwapped) },
        "strip": { call throws(TemplateError) in try strip(call, left: true, right: true) },
        "lstrip": { call throws(TemplateError) in try strip(call, left: true, right: false) },
        "rstrip": { call throws(TemplateError) in try strip(call, left: false, right: true) },
        "replace": replace, "join": join, "format": format, "format_map": formatMap,
        "ljust": { call throws(TemplateError) in try justified(call, .right) },
        "rjust": { call throws(TemplateError) in try justified(call, .left) },
        "center": { call throws(TemplateError) in try justified(call, .both) },
        "zfill": zeroFill, "expandtabs": expandTabs,
        "removeprefix": { call throws(TemplateError) in try removing(call, atEnd: false) },
        "removesuffix": { call throws(TemplateError) in try removing(call, atEnd: true) },
    ]

    private static func strip(_ call: Invocation, left: Bool, right: Bool) throws(TemplateError) -> Value {
        let text = try call.subjectText()
        guard let set = try call.bind("chars")[0], !set.isNone else {
            return try call.result(text.stripped(nil, left: left, right: right))
        }
        return try call.result(text.stripped(try call.text(set, "strip arg"), left: left, right: right))
    }

    @Sendable private static func replace(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("old", "new", "count")
        let old = try call.text(try call.required(bound[0], "old"), "replace() argument 1")
        let new = try call.text(try call.required(bound[1], "new"), "replace() argument 2")
        return try replaced(call, try call.subjectText(), old, new, try call.integer(bound[2] ?? .int(-1), "count"))
    }

    /// `text` with `old` replaced, after its length is checked. A negative count means all.
    static func replaced(
        _ call: Invocation, _ text: Text, _ old: Text, _ new: Text, _ count: Int
    ) throws(TemplateError) -> Value {
        let limit = count < 0 ? Int.max : count
        try call.renderer.charge(text.count)
        let found = min(limit, text.occurrences(of: old))
        let (growth, overflows) = found.multipliedReportingOverflow(by: max(0, new.count - old.count))
        try call.renderer.charge(characters: overflows ? .max : min(.max - text.count, growth) + text.count)
        return .text(text.replacing(old, with: new, limit: limit))
    }

    /// The parts with a separator between them, after the length is checked.
    static func joined(_ call: Invocation, _ separator: Text, _ parts: [Text]) throws(TemplateError) -> Value {
        let (gaps, overflows) = separator.count.multipliedReportingOverflow(by: max(0, parts.count - 1))
        let length = parts.reduce(0) { $0 + $1.count }
        try call.renderer.charge(characters: overflows ? .max : min(.max - length, gaps) + length)
        return .text(separator.joining(parts))
    }

    @Sendable private static func join(_ call: Invocation) throws(TemplateError) -> Value {
        var parts: [Text] = []
        let items = try call.renderer.elements(of: try call.required(try call.bind("iterable")[0], "iterable"))
        for (index, item) in items.enumerated() {
            guard let part = item.asText else {
                throw call.failure("sequence item \(index): expected str instance, \(item.typeName) found")
            }
            parts.append(part)
        }
        return try joined(call, try call.subjectText(), parts)
    }

    @Sendable private static func format(_ call: Invocation) throws(TemplateError) -> Value {
        try call.result(try call.renderer.format(fields: try call.subjectText(), call.passed))
    }

    @Sendable private static func formatMap(_ call: Invocation) throws(TemplateError) -> Value {
        var passed = PassedArguments()
        if case .dict(let dict)? = try call.bind("mapping")[0] {
            for entry in dict.entries.values {
                if let name = entry.key.asText?.string { passed.named.append((name, entry.value)) }
            }
        }
        return try call.result(try call.renderer.format(fields: try call.subjectText(), passed))
    }

    // MARK: Padding

    /// Where padding goes.
    enum Side { case left, right, both }

    private static func justified(_ call: Invocation, _ side: Side) throws(TemplateError) -> Value {
        let bound = try call.bind("width", "fillchar")
        let filling = try call.text(bound[1] ?? .text(" "), "fillchar")
        guard filling.count == 1 else { throw call.failure("The fill character must be exactly one character long") }
        let width = try call.integer(try call.required(bound[0], "width"), "width")
        return try padded(call, try call.subjectText(), width, filling, side)
    }

    static func padded(
        _ call: Invocation, _ text: Text, _ width: Int, _ filling: Text, _ side: Side
    ) throws(TemplateError) -> Value {
        guard width > text.count else { return .text(text) }
        try call.renderer.charge(characters: width)
        let missing = width - text.count
        // Python's centre: an odd blank goes left where the width is odd.
        let left =
            switch side {
            case .left: missing
            case .right: 0
            case .both: missing / 2 + (missing & width & 1)
            }
        func fill(_ count: Int) -> Text { Text(units: [UInt32](repeating: filling.units.first ?? 32, count: count)) }
        return .text(fill(left) + text + fill(missing - left))
    }

    @Sendable private static func zeroFill(_ call: Invocation) throws(TemplateError) -> Value {
        let width = try call.integer(try call.required(try call.bind("width")[0], "width"), "width")
        let text = try call.subjectText()
        guard width > text.count else { return .text(text) }
        try call.renderer.charge(characters: width)
        let hasSign = text.units.first.map { [43, 45].contains($0 & ~Text.sent) } ?? false
        let sign = Text(units: text.units.prefix(hasSign ? 1 : 0))
        let zeros = Text(units: [UInt32](repeating: 48, count: width - text.count))
        return .text(sign + zeros + Text(units: text.units.dropFirst(hasSign ? 1 : 0)))
    }

    @Sendable private static func expandTabs(_ call: Invocation) throws(TemplateError) -> Value {
        let width = min(max(0, try call.integer(try call.bind("tabsize")[0] ?? .int(8), "tabsize")), 1024)
        var units: [UInt32] = []
        var column = 0
        for unit in try call.subjectText().units {
            if unit & ~Text.sent == 9 {
                let count = width == 0 ? 0 : width - column % width
                units += [UInt32](repeating: 32, count: count)
                column += count
                try call.renderer.charge(characters: units.count / 64 + count)
            } else {
                units.append(unit)
                column = unit & ~Text.sent == 10 || unit & ~Text.sent == 13 ? 0 : column + 1
            }
        }
        return try call.result(Text(units: units))
    }

    private static func removing(_ call: Invocation, atEnd: Bool) throws(TemplateError) -> Value {
        let text = try call.subjectText()
        let part = try call.text(try call.required(try call.bind("part")[0], "part"), "removeprefix() argument")
        guard text.has(part, at: atEnd ? text.count - part.count : 0) else { return .text(text) }
        return .text(Text(units: atEnd ? text.units.dropLast(part.count) : text.units.dropFirst(part.count)))
    }
}
