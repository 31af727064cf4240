internal import OrderedCollections

/// How `tojson` writes; the defaults are those of `json.dumps`, but characters beyond ASCII stand as they are.
struct JSONStyle {
    var isASCII = false
    /// Of one level; nil for one line.
    var indentation: Text?
    var itemSeparator = Text(", ")
    var keySeparator = Text(": ")
    var sortsKeys = false
}

extension Renderer {
    /// Python's `json.dumps`.
    func json(_ value: Value, _ style: JSONStyle) throws(TemplateError) -> Text {
        var units: [UInt32] = []
        try json(value, style, level: 0, into: &units)
        return Text(units: units)
    }

    private func json(
        _ value: Value, _ style: JSONStyle, level: Int, into units: inout [UInt32]
    ) throws(TemplateError) {
        try charge(8)
        func append(_ text: String) { units += text.unicodeScalars.map(\.value) }
        switch value {
        case .none: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        case .bigInt(let digits): append(digits)
        case .float(let value): append(Self.jsonNumber(value))
        case .text(let text): try jsonText(text, style, into: &units)
        case .list(let list):
            try jsonItems(list.items.count, "[", "]", style, level, &units) { (index, units) throws(TemplateError) in
                try json(list.items[index], style, level: level + 1, into: &units)
            }
        case .dict(let dict):
            let entries = try jsonEntries(dict, style)
            try jsonItems(entries.count, "{", "}", style, level, &units) { (index, units) throws(TemplateError) in
                try jsonKey(entries[index].key, style, into: &units)
                units += style.keySeparator.units
                try json(entries[index].value, style, level: level + 1, into: &units)
            }
        default: throw failure("Object of type \(value.typeName) is not JSON serializable")
        }
        guard units.count <= limits.characters else { return try charge(characters: units.count) }
    }

    private func jsonItems(
        _ count: Int, _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ style: JSONStyle, _ level: Int,
        _ units: inout [UInt32], _ item: (Int, inout [UInt32]) throws(TemplateError) -> Void
    ) throws(TemplateError) {
        units.append(open.value)
        for index in 0..<count {
            if index > 0 { units += style.itemSeparator.units }
            try jsonBreak(style, level + 1, into: &units)
            try item(index, &units)
        }
        if count > 0 { try jsonBreak(style, level, into: &units) }
        units.append(close.value)
    }

    private func jsonBreak(_ style: JSONStyle, _ level: Int, into units: inout [UInt32]) throws(TemplateError) {
        guard let indentation = style.indentation else { return }
        try charge(characters: level * indentation.count + 1)
        units.append(10)
        for _ in 0..<level { units += indentation.units }
    }

    private func jsonEntries(_ dict: ValueDict, _ style: JSONStyle) throws(TemplateError) -> [ValueDict.Entry] {
        let entries = Array(dict.entries.values)
        guard style.sortsKeys else { return entries }
        let places = try sorted(entries.indices.map { .int($0) }, by: entries.map(\.key))
        return places.compactMap { $0.asInt.map { entries[$0] } }
    }

    private func jsonKey(_ key: Value, _ style: JSONStyle, into units: inout [UInt32]) throws(TemplateError) {
        switch key {
        case .text(let text): try jsonText(text, style, into: &units)
        case .none, .bool, .int, .bigInt, .float:
            units.append(34)
            try json(key, style, level: 0, into: &units)
            units.append(34)
        default:
            throw failure("keys must be str, int, float, bool or None, not \(key.typeName)")
        }
    }

    private static func jsonNumber(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonFloat.text(value)
    }

    private func jsonText(_ text: Text, _ style: JSONStyle, into units: inout [UInt32]) throws(TemplateError) {
        try charge(characters: text.count)
        units.append(34)
        for unit in text.units {
            let origin = unit & Text.sent
            let value = unit & ~Text.sent
            func escape(_ scalar: Unicode.Scalar) { units += [92 | origin, scalar.value | origin] }
            switch value {
            case 34: escape("\"")
            case 92: escape("\\")
            case 10: escape("n")
            case 13: escape("r")
            case 9: escape("t")
            case 8: escape("b")
            case 12: escape("f")
            case 0..<32: units += Self.unicodeEscape(value).map { $0 | origin }
            case 127... where style.isASCII: units += Self.unicodeEscape(value).map { $0 | origin }
            default: units.append(unit)
            }
        }
        units.append(34)
    }

    /// `\u` and four digits, twice beyond the basic plane.
    private static func unicodeEscape(_ value: UInt32) -> [UInt32] {
        String(Unicode.Scalar(value) ?? "\u{FFFD}").utf16.flatMap { code in
            let digits = String(code, radix: 16)
            return ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars.map(\.value)
        }
    }
}
