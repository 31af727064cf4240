/// `%` and `str.format`.
extension Renderer {
    /// `format % values`, as Python's strings have it.
    func format(_ format: Text, _ values: Value) throws(TemplateError) -> Text {
        var reader = PercentReader(units: format.units)
        var rest: [Value] = [values]
        if case .list(let list) = values, list.kind == .tuple { rest = list.items }
        var next = 0
        func take() throws(TemplateError) -> Value {
            guard next < rest.count else { throw failure("not enough arguments for format string") }
            next += 1
            return rest[next - 1]
        }
        var result: [UInt32] = []
        while let part = try reader.next(failure) {
            try charge(part.literal.count + 1)
            result += part.literal
            guard var directive = part.directive else { continue }
            if directive.takesWidth { directive.setWidth(try take().asInt ?? 0) }
            if directive.takesPrecision { directive.specification.precision = max(0, try take().asInt ?? 0) }
            if directive.conversion == "%" {
                result.append(37)
                continue
            }
            let value: Value
            if let key = directive.key {
                guard case .dict(let dict) = values else { throw failure("format requires a mapping") }
                guard let member = dict[ValueKey(key)] else { throw failure("KeyError: '\(key.string)'") }
                value = member
            } else {
                value = try take()
            }
            result += try converted(value, directive).units
            try charge(characters: result.count / 64 + 1)
        }
        let isMapping = if case .dict = values { true } else { false }
        if next < rest.count, !isMapping { throw failure("not all arguments converted during string formatting") }
        return format.hasSent ? Text(units: result).asSent : Text(units: result)
    }

    private func converted(_ value: Value, _ directive: PercentDirective) throws(TemplateError) -> Text {
        var specification = directive.specification
        switch directive.conversion {
        case "s", "r", "a":
            var text = directive.conversion == "s" ? try string(value) : try representation(value)
            if let precision = specification.precision { text = Text(units: text.units.prefix(precision)) }
            return try padded(text, specification, right: specification.align != "<")
        case "c":
            if let text = value.asText, text.count == 1 { return try padded(text, specification, right: true) }
            guard let code = value.asInt, let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
                throw failure("%c requires int or char")
            }
            return try padded(Text(String(scalar), isSent: true), specification, right: true)
        case "d", "i", "u":
            if case .float(let number) = value, let integer = Int(exactly: number.rounded(.towardZero)) {
                specification.type = "d"
                return try formatted(.int(integer), specification)
            }
            specification.type = "d"
        default: specification.type = directive.conversion
        }
        guard value.asDouble != nil else {
            throw failure("%\(directive.conversion) format: a real number is required, not \(value.typeName)")
        }
        return try formatted(value, specification)
    }

    /// Blanks around a text.
    private func padded(_ text: Text, _ specification: FormatSpecification, right: Bool) throws(TemplateError) -> Text {
        let missing = specification.width - text.count
        guard missing > 0 else { return text }
        try charge(characters: specification.width)
        let filling = [UInt32](repeating: specification.fill.value, count: missing)
        if specification.align == "^" {
            return Text(units: filling.prefix(missing / 2) + text.units + filling.dropFirst(missing / 2))
        }
        return Text(units: right ? filling + text.units : text.units + filling)
    }

    /// A value as `format(value, specification)` writes it.
    func formatted(_ value: Value, _ specification: FormatSpecification) throws(TemplateError) -> Text {
        switch value {
        case .text(let text):
            guard specification.type == nil || specification.type == "s" else {
                throw failure("Unknown format code for object of type 'str'")
            }
            let cut = specification.precision.map { Text(units: text.units.prefix($0)) } ?? text
            return try padded(cut, specification, right: specification.align == ">")
        case .int, .float, .bigInt, .bool: break
        default: throw failure("unsupported format string passed to \(value.typeName).__format__")
        }
        if specification.type == "c", let code = value.asInt {
            guard let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
                throw failure("%c arg not in range(0x110000)")
            }
            return try padded(Text(String(scalar), isSent: true), specification, right: specification.align != "<")
        }
        var digits = try digits(value, specification)
        let isNegative = digits.hasPrefix("-")
        if isNegative { digits.removeFirst() }
        if let separator = specification.separator { digits = Self.grouped(digits, separator) }
        let sign = isNegative ? "-" : specification.sign == "-" ? "" : String(specification.sign)
        var prefix = sign
        if specification.isAlternate, let type = specification.type, "xXob".unicodeScalars.contains(type) {
            prefix += "0" + String(type)
        }
        if specification.align == "=" {
            let missing = max(0, specification.width - digits.count - prefix.count)
            try charge(characters: missing)
            return Text(prefix + String(repeating: String(specification.fill), count: missing) + digits)
        }
        return try padded(Text(prefix + digits), specification, right: specification.align != "<")
    }

    private func digits(_ value: Value, _ specification: FormatSpecification) throws(TemplateError) -> String {
        let precision = min(specification.precision ?? 6, 1100)
        try charge(FormatSpecification.cost)
        let isFloat = if case .float = value { true } else { false }
        let number = value.asDouble ?? 0
        switch specification.type {
        case "f", "F": return FormatSpecification.fixed(number, digits: precision)
        case "%": return FormatSpecification.fixed(number * 100, digits: precision) + "%"
        case "e": return FormatSpecification.exponential(number, digits: precision)
        case "E": return FormatSpecification.exponential(number, digits: precision).uppercased()
        case "g", "G":
            let text = FormatSpecification.general(number, digits: precision, keepsZeros: specification.isAlternate)
            return specification.type == "G" ? text.uppercased() : text
        case nil, "n", "d":
            if isFloat {
                guard specification.type != "d" else {
                    throw failure("Unknown format code 'd' for object of type 'float'")
                }
                guard specification.precision != nil else { return PythonFloat.text(number) }
                return FormatSpecification.general(number, digits: precision, keepsZeros: false)
            }
            if let integer = value.asInt { return String(integer) }
            return try string(value).string
        default:
            guard let integer = value.asInt else { throw failure("Unknown format code for object of type 'float'") }
            switch specification.type {
            case "x": return String(integer, radix: 16)
            case "X": return String(integer, radix: 16, uppercase: true)
            case "o": return String(integer, radix: 8)
            case "b": return String(integer, radix: 2)
            default: return try string(value).string
            }
        }
    }

    private static func grouped(_ digits: String, _ separator: Unicode.Scalar) -> String {
        let whole = digits.prefix { $0.isNumber }
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { result.unicodeScalars.append(separator) }
            result.append(digit)
        }
        return result + digits.dropFirst(whole.count)
    }

    // MARK: str.format

    /// `"{0} {name} {value!r:>8}"` with its fields filled in.
    func format(fields format: Text, _ passed: PassedArguments) throws(TemplateError) -> Text {
        var result: [UInt32] = []
        var place = 0
        var automatic = 0
        let units = format.units
        while place < units.count {
            let unit = units[place] & ~Text.sent
            let isDouble = place + 1 < units.count && Text.same(units[place + 1], unit)
            if unit == 123 || unit == 125, isDouble {
                result.append(units[place])
                place += 2
            } else if unit == 123 {
                guard let end = units[place...].firstIndex(where: { $0 & ~Text.sent == 125 }) else {
                    throw failure("expected '}' before end of string")
                }
                let field = Text(units: units[(place + 1)..<end]).string
                result += try self.field(field, passed, &automatic).units
                try charge(characters: result.count / 64 + 1)
                place = end + 1
            } else if unit == 125 {
                throw failure("Single '}' encountered in format string")
            } else {
                result.append(units[place])
                place += 1
            }
        }
        return format.hasSent ? Text(units: result).asSent : Text(units: result)
    }

    private func field(
        _ field: String, _ passed: PassedArguments, _ automatic: inout Int
    ) throws(TemplateError) -> Text {
        let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let named = parts[0].split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false)
        var path = named[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        var head = path.removeFirst()
        var subscripts: [String] = []
        while head.hasSuffix("]"), let open = head.lastIndex(of: "[") {
            subscripts.insert(String(head[head.index(after: open)...].dropLast()), at: 0)
            head = String(head[..<open])
        }
        var value: Value
        if head.isEmpty || Int(head) != nil {
            let index = Int(head) ?? automatic
            if head.isEmpty { automatic += 1 }
            guard passed.positional.indices.contains(index) else {
                throw failure("Replacement index \(index) out of range for positional args tuple")
            }
            value = passed.positional[index]
        } else {
            guard let found = passed.named.first(where: { $0.name == head }) else {
                throw failure("KeyError: '\(head)'")
            }
            value = found.value
        }
        for key in subscripts { value = try item(Int(key).map { .int($0) } ?? .text(key), of: value) }
        for name in path { value = try attribute(name, of: value) }
        if named.count > 1 {
            value = .text(named[1] == "r" ? try representation(value) : try string(value))
        }
        let text = parts.count > 1 ? String(parts[1]) : ""
        if text.isEmpty { return try string(value) }
        guard let specification = FormatSpecification(text) else { throw failure("Invalid format specifier '\(text)'") }
        return try formatted(value, specification)
    }
}
