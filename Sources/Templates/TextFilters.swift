internal import OrderedCollections

/// Filters that make texts.
enum TextFilters {
    static let table: [String: Computation] = [
        "upper": { call throws(TemplateError) in try call.result(call.subjectText().uppercased) },
        "lower": { call throws(TemplateError) in try call.result(call.subjectText().lowercased) },
        "capitalize": { call throws(TemplateError) in try call.result(call.subjectText().capitalized) },
        "string": { call throws(TemplateError) in try call.result(call.subjectText()) },
        "title": title, "trim": trim, "replace": replace, "join": join, "indent": indent, "truncate": truncate,
        "center": center, "wordcount": wordCount, "format": format, "tojson": json, "safe": safe, "escape": escape,
        "e": escape,
        "forceescape": escape, "urlencode": urlEncode, "filesizeformat": fileSize, "striptags": stripTags,
    ]

    @Sendable private static func title(_ call: Invocation) throws(TemplateError) -> Value {
        var words: [Text] = [Text()]
        for unit in try call.subjectText().units {
            let isBreak = Text.isSpace(unit) || ["-", "(", "{", "[", "<"].contains(Text.scalar(unit))
            if isBreak {
                words += [Text(units: [unit]), Text()]
            } else {
                words[words.count - 1].units.append(unit)
            }
        }
        let capitalized = words.map { word in
            Text(units: word.units.prefix(1)).uppercased + Text(units: word.units.dropFirst()).lowercased
        }
        return try call.result(Text().joining(capitalized))
    }

    @Sendable private static func trim(_ call: Invocation) throws(TemplateError) -> Value {
        let set = try call.bind("chars")[0]
        let isAny = set?.isNone ?? true
        return try call.result(
            try call.subjectText().stripped(isAny ? nil : try call.text(try call.required(set, "chars"), "chars")))
    }

    @Sendable private static func replace(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("old", "new", "count")
        let old = try call.renderer.string(try call.required(bound[0], "old"))
        let new = try call.renderer.string(try call.required(bound[1], "new"))
        let count = bound[2].flatMap { $0.isNone ? nil : $0.asInt } ?? -1
        return try TextMethods.replaced(call, try call.subjectText(), old, new, count)
    }

    @Sendable private static func join(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("d", "attribute")
        let separator = try call.renderer.string(bound[0] ?? .text(""))
        var parts: [Text] = []
        for item in try call.renderer.elements(of: call.subject) {
            let member = try bound[1].flatMap { $0.isNone ? nil : $0 }.map { (path) throws(TemplateError) in
                try call.renderer.member(path, of: item)
            }
            parts.append(try call.renderer.string(member ?? item))
        }
        return try TextMethods.joined(call, separator, parts)
    }

    @Sendable private static func indent(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("width", "first", "blank")
        let indentation: Text
        switch bound[0] ?? .int(4) {
        case .text(let text): indentation = text
        case let width:
            let spaces = try call.renderer.repeated(.text(" "), try call.integer(width, "width"))
            indentation = spaces.asText ?? Text()
        }
        let text = try call.text(call.subject, "indent")
        let lines = (text + Text("\n")).lines()
        try call.renderer.charge(characters: text.count + lines.count * (indentation.count + 1))
        var result: [Text] = []
        for (index, line) in lines.enumerated() {
            let isIndented =
                index == 0
                ? bound[1]?.isTrue ?? false : !line.isEmpty || (bound[2]?.isTrue ?? false)
            result.append(isIndented ? indentation + line : line)
        }
        return .text(Text("\n").joining(result))
    }

    @Sendable private static func truncate(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("length", "killwords", "end", "leeway")
        let length = try call.integer(bound[0] ?? .int(255), "length")
        let end = try call.text(bound[2] ?? .text("..."), "end")
        let leeway = try call.integer(bound[3] ?? .int(5), "leeway")
        let text = try call.text(call.subject, "truncate")
        guard length >= end.count else { throw call.failure("expected length >= \(end.count), got \(length)") }
        guard leeway >= 0 else { throw call.failure("expected leeway >= 0, got \(leeway)") }
        if text.count <= length || text.count - length <= leeway { return .text(text) }
        let cut = Text(units: text.units.prefix(length - end.count))
        let kept = bound[1]?.isTrue == true ? cut : cut.splitFromEnd(separator: Text(" "), limit: 1)[0]
        return try call.result(kept + end)
    }

    @Sendable private static func center(_ call: Invocation) throws(TemplateError) -> Value {
        let width = try call.integer(try call.bind("width")[0] ?? .int(80), "width")
        return try TextMethods.padded(call, try call.subjectText(), width, Text(" "), .both)
    }

    @Sendable private static func wordCount(_ call: Invocation) throws(TemplateError) -> Value {
        var (count, isInWord) = (0, false)
        for unit in try call.subjectText().units {
            let scalar = Text.scalar(unit)
            let isWord = scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return .int(count)
    }

    @Sendable private static func format(_ call: Invocation) throws(TemplateError) -> Value {
        guard call.passed.named.isEmpty || call.passed.positional.isEmpty else {
            throw call.failure("can't handle positional and keyword arguments at the same time")
        }
        var named = ValueDict()
        for (name, value) in call.passed.named { named.set(name, value) }
        let values: Value = named.count > 0 ? .dict(named) : .tuple(call.passed.positional)
        return try call.result(try call.renderer.format(try call.subjectText(), values))
    }

    /// transformers' own `tojson`: `json.dumps` without escapes for HTML.
    @Sendable private static func json(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("ensure_ascii", "indent", "separators", "sort_keys")
        var style = JSONStyle()
        style.isASCII = bound[0]?.isTrue ?? false
        switch bound[1] ?? .none {
        case .none: break
        case .text(let text): style.indentation = text
        case let width:
            let spaces = try call.renderer.repeated(.text(" "), try call.integer(width, "indent"))
            style.indentation = spaces.asText
        }
        if let separators = bound[2], !separators.isNone {
            let pair = try call.renderer.elements(of: separators)
            guard pair.count == 2 else { throw call.failure("separators must be two texts") }
            style.itemSeparator = try call.text(pair[0], "separators")
            style.keySeparator = try call.text(pair[1], "separators")
        } else if style.indentation != nil {
            style.itemSeparator = Text(",")
        }
        style.sortsKeys = bound[3]?.isTrue ?? false
        return .text(try call.renderer.json(call.subject, style))
    }

    @Sendable private static func escape(_ call: Invocation) throws(TemplateError) -> Value {
        let text = try call.subjectText()
        try call.renderer.charge(characters: text.count * 6)
        return .text(text.markup)
    }

    @Sendable private static func safe(_ call: Invocation) throws(TemplateError) -> Value {
        var text = try call.subjectText()
        text.isMarkup = true
        return .text(text)
    }

    @Sendable private static func urlEncode(_ call: Invocation) throws(TemplateError) -> Value {
        if case .dict(let dict) = call.subject {
            var parts: [Text] = []
            for entry in dict.entries.values {
                let key = quoted(try call.renderer.string(entry.key), isQuery: true)
                parts.append(key + Text("=") + quoted(try call.renderer.string(entry.value), isQuery: true))
            }
            return try TextMethods.joined(call, Text("&"), parts)
        }
        return try call.result(quoted(try call.subjectText(), isQuery: false))
    }

    private static func quoted(_ text: Text, isQuery: Bool) -> Text {
        let kept = "0123456789_.-~".unicodeScalars
        var units: [UInt32] = []
        for unit in text.units {
            for byte in String(Text.scalar(unit)).utf8 {
                let scalar = Unicode.Scalar(byte)
                let isKept = scalar.isASCII && (scalar.properties.isAlphabetic || kept.contains(scalar))
                if isKept || (!isQuery && scalar == "/") {
                    units.append(UInt32(byte) | unit & Text.sent)
                } else if isQuery, scalar == " " {
                    units.append(43 | unit & Text.sent)
                } else {
                    let digits = String(byte, radix: 16, uppercase: true)
                    let code = "%" + (digits.count == 1 ? "0" : "") + digits
                    units += code.unicodeScalars.map { $0.value | unit & Text.sent }
                }
            }
        }
        return Text(units: units)
    }

    @Sendable private static func fileSize(_ call: Invocation) throws(TemplateError) -> Value {
        let isBinary = try call.bind("binary")[0]?.isTrue ?? false
        guard let bytes = call.subject.asDouble ?? call.subject.asText.flatMap({ Double($0.string) }) else {
            throw call.failure("filesizeformat needs a number")
        }
        let base: Double = isBinary ? 1024 : 1000
        if bytes == 1 { return .text("1 Byte") }
        if bytes < base { return .text("\(Int(bytes)) Bytes") }
        var unit = base
        var names = ["k", "M", "G", "T", "P", "E", "Z", "Y"][...]
        while names.count > 1, bytes >= unit * base {
            unit *= base
            names = names.dropFirst()
        }
        let name = isBinary ? (names.first ?? "").uppercased() + "iB" : (names.first ?? "") + "B"
        return .text(FormatSpecification.fixed(bytes / unit, digits: 1) + " " + name)
    }

    @Sendable private static func stripTags(_ call: Invocation) throws(TemplateError) -> Value {
        var kept: [UInt32] = []
        var isInTag = false
        for unit in try call.subjectText().units {
            switch Text.scalar(unit) {
            case "<": isInTag = true
            case ">" where isInTag: isInTag = false
            default: if !isInTag { kept.append(unit) }
            }
        }
        return try call.result(Text(" ").joining(Text(units: kept).splitAtSpaces(limit: .max)))
    }
}
