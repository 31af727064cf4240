internal import OrderedCollections

/// Python's `str` and `repr`.
extension Renderer {
    /// How a value prints.
    func string(_ value: Value) throws(TemplateError) -> Text {
        switch value {
        case .text(let text): text
        case .undefined: Text()
        default: try representation(value)
        }
    }

    /// How a value shows within a list.
    func representation(_ value: Value) throws(TemplateError) -> Text {
        var units: [UInt32] = []
        try represent(value, into: &units)
        return Text(units: units)
    }

    private func represent(_ value: Value, into units: inout [UInt32]) throws(TemplateError) {
        try charge(8)
        func append(_ text: String) { units += text.unicodeScalars.map(\.value) }
        switch value {
        case .undefined: append("Undefined")
        case .none: append("None")
        case .bool(let value): append(value ? "True" : "False")
        case .int(let value): append(String(value))
        case .bigInt(let digits): append(digits)
        case .float(let value): append(PythonFloat.text(value))
        case .text(let text): try quote(text, into: &units)
        case .list(let list):
            append(list.isTuple ? "(" : "[")
            try represent(list.items, into: &units)
            append(list.isTuple ? list.items.count == 1 ? ",)" : ")" : "]")
        case .view(let name, let list):
            append(name + "([")
            try represent(list.items, into: &units)
            append("])")
        case .dict(let dict): try represent(dict, into: &units)
        case .range(let range):
            append("range(\(range.start), \(range.stop)" + (range.step == 1 ? ")" : ", \(range.step))"))
        case .namespace: append("<Namespace>")
        case .macro(let macro): append("<Macro '\(macro.definition.name)'>")
        case .loop(let loop): append("<LoopContext \(loop.index0 + 1)/\(loop.items.count)>")
        default: append("<\(value.typeName) object>")
        }
        guard units.count <= limits.characters else { return try charge(characters: units.count) }
    }

    private func represent(_ items: [Value], into units: inout [UInt32]) throws(TemplateError) {
        for (index, item) in items.enumerated() {
            if index > 0 { units += [44, 32] }
            try represent(item, into: &units)
        }
    }

    private func represent(_ dict: ValueDict, into units: inout [UInt32]) throws(TemplateError) {
        units.append(UInt32(UInt8(ascii: "{")))
        for (index, entry) in dict.entries.values.enumerated() {
            if index > 0 { units += [44, 32] }
            try represent(entry.key, into: &units)
            units += [58, 32]
            try represent(entry.value, into: &units)
        }
        units.append(UInt32(UInt8(ascii: "}")))
    }

    /// In single quotes, or in double ones where only single ones occur.
    private func quote(_ text: Text, into units: inout [UInt32]) throws(TemplateError) {
        try charge(characters: text.count)
        let plain = text.units.map { $0 & ~Text.sent }
        let quote: UInt32 = plain.contains(39) && !plain.contains(34) ? 34 : 39
        units.append(quote)
        for unit in text.units {
            let origin = unit & Text.sent
            let scalar = Text.scalar(unit)
            switch scalar.value {
            case quote, 92: units += [92 | origin, unit]
            case 10: units += [92 | origin, 110 | origin]
            case 13: units += [92 | origin, 114 | origin]
            case 9: units += [92 | origin, 116 | origin]
            default:
                if Self.isPrintable(scalar) {
                    units.append(unit)
                } else {
                    units += Self.escape(scalar).unicodeScalars.map { $0.value | origin }
                }
            }
        }
        units.append(quote)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        func padded(_ count: Int) -> String { String(repeating: "0", count: count - digits.count) + digits }
        switch scalar.value {
        case 0...0xFF: return "\\x" + padded(2)
        case 0...0xFFFF: return "\\u" + padded(4)
        default: return "\\U" + padded(8)
        }
    }
}

/// Python's shortest spelling of floating-point numbers.
enum PythonFloat {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let sign = value.sign == .minus ? "-" : ""
        let (digits, point) = decimal(value.magnitude)
        // `point` is where the decimal point stands in the digits.
        if point > 16 || point < -3 {
            let exponent = point - 1
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            let sized = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
            return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(sized)"
        }
        if point <= 0 { return "\(sign)0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
        return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }

    /// The shortest digits that give the number back, without zeros at either end, and the place of the point.
    private static func decimal(_ value: Double) -> (digits: String, point: Int) {
        if value == 0 { return ("0", 1) }
        let parts = value.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        let all = whole + fraction
        let leading = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leading)
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        return (String(digits), whole.count - leading + exponent)
    }
}
