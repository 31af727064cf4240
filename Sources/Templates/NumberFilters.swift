internal import Glibc

/// Filters that make numbers.
enum NumberFilters {
    static let table: [String: Computation] = [
        "int": integer, "float": float, "abs": magnitude, "round": round, "sum": sum,
    ]

    @Sendable private static func integer(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("default", "base")
        let fallback = bound[0] ?? .int(0)
        switch call.subject {
        case .undefined(let undefined): throw call.failure(undefined.message)
        case .bool, .int, .bigInt: return call.subject.asInt.map { .int($0) } ?? call.subject
        case .float(let value):
            if value.isInfinite { throw call.failure("cannot convert float infinity to integer") }
            return value.isNaN ? fallback : try truncated(call, value)
        case .text(let text):
            let base = try call.integer(bound[1] ?? .int(10), "base")
            try call.renderer.charge(text.count)
            if let value = NumberText.integer(text.string, base: base) { return value }
            guard let value = NumberText.float(text.string), value.isFinite else { return fallback }
            return try truncated(call, value)
        default: return fallback
        }
    }

    private static func truncated(_ call: Invocation, _ value: Double) throws(TemplateError) -> Value {
        guard let integer = Int(exactly: value.rounded(.towardZero)) else {
            throw call.failure("an integer has more than 64 bits")
        }
        return .int(integer)
    }

    @Sendable private static func float(_ call: Invocation) throws(TemplateError) -> Value {
        let fallback = try call.bind("default")[0] ?? .float(0)
        switch call.subject {
        case .undefined(let undefined): throw call.failure(undefined.message)
        case .text(let text):
            try call.renderer.charge(text.count)
            return NumberText.float(text.string).map { .float($0) } ?? fallback
        default: return call.subject.asDouble.map { .float($0) } ?? fallback
        }
    }

    @Sendable private static func magnitude(_ call: Invocation) throws(TemplateError) -> Value {
        switch call.subject {
        case .float(let value): return .float(value.magnitude)
        case .bigInt(let digits): return .bigInt(String(digits.drop { $0 == "-" }))
        case .undefined(let undefined): throw call.failure(undefined.message)
        default:
            guard let value = call.subject.asInt else {
                throw call.failure("bad operand type for abs(): '\(call.subject.typeName)'")
            }
            return value < 0 ? try call.renderer.signed(.int(value), isNegative: true) : .int(value)
        }
    }

    @Sendable private static func round(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("precision", "method")
        let precision = try call.integer(bound[0] ?? .int(0), "precision")
        let method = try call.renderer.string(bound[1] ?? .text("common")).string
        guard ["common", "ceil", "floor"].contains(method) else {
            throw call.failure("method must be common, ceil or floor")
        }
        guard let value = call.subject.asDouble else {
            throw call.failure("type \(call.subject.typeName) doesn't define __round__ method")
        }
        if method == "common", case .float = call.subject {
            guard value.isFinite, precision < 300 else { return call.subject }
            if precision < 0 {
                guard precision > -300 else { return .float(0) }
                let scale = pow(10, Double(-precision))
                return .float((value / scale).rounded(.toNearestOrEven) * scale)
            }
            try call.renderer.charge(FormatSpecification.cost)
            return .float(Double(FormatSpecification.fixed(value, digits: precision)) ?? value)
        }
        if method == "common" {
            guard precision < 0, let integer = call.subject.asInt else { return call.subject }
            guard precision > -19 else { return .int(0) }
            let scale = pow(10, Double(-precision))
            return try truncated(call, (Double(integer) / scale).rounded(.toNearestOrEven) * scale)
        }
        let scale = pow(10, Double(precision))
        let scaled = value * scale
        guard scaled.isFinite else { throw call.failure("cannot convert float infinity to integer") }
        return .float(scaled.rounded(method == "ceil" ? .up : .down) / scale)
    }

    @Sendable private static func sum(_ call: Invocation) throws(TemplateError) -> Value {
        let bound = try call.bind("attribute", "start")
        let path = bound[0].flatMap { $0.isNone ? nil : $0 }
        var total = bound[1] ?? .int(0)
        if case .text = total { throw call.failure("sum() can't sum strings [use ''.join(seq) instead]") }
        for item in try call.renderer.elements(of: call.subject) {
            try call.renderer.charge(TemplateLimits.stepCost)
            let part = try path.map { (path) throws(TemplateError) in try call.renderer.member(path, of: item) }
            total = try call.renderer.arithmetic(.add, total, part ?? item)
        }
        return total
    }
}

/// Numbers as Python's `int` and `float` read them.
enum NumberText {
    /// Most digits that Python turns into an integer.
    private static let longest = 4300

    static func integer(_ text: String, base: Int) -> Value? {
        guard base == 0 || (2...36).contains(base) else { return nil }
        var digits = trimmed(text)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
        var radix = base == 0 ? 10 : base
        for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)] where base == value || base == 0 {
            if digits.lowercased().hasPrefix(prefix) {
                digits = String(digits.dropFirst(2))
                if digits.hasPrefix("_") { digits.removeFirst() }
                radix = value
            }
        }
        guard let plain = withoutUnderscores(digits) else { return nil }
        let isPlain = plain.utf8.allSatisfy { byte in
            Unicode.Scalar(byte).properties.isASCIIHexDigit || Unicode.Scalar(byte).properties.isAlphabetic
        }
        guard isPlain else { return nil }
        if let value = Int((isNegative ? "-" : "") + plain, radix: radix) { return .int(value) }
        guard radix == 10, plain.utf8.count <= longest, plain.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return .bigInt((isNegative ? "-" : "") + plain.drop { $0 == "0" })
    }

    static func float(_ text: String) -> Double? {
        var rest = trimmed(text).lowercased()
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        let value: Double?
        switch rest {
        case "inf", "infinity": value = .infinity
        case "nan": value = .nan
        default:
            guard rest.utf8.allSatisfy({ (48...57).contains($0) || "._e+-".utf8.contains($0) }),
                rest.utf8.contains(where: { (48...57).contains($0) }), let plain = withoutUnderscores(rest)
            else { return nil }
            let mantissa = plain.split(separator: "e", omittingEmptySubsequences: false)
            var padded = String(mantissa[0])
            if padded.hasPrefix(".") { padded = "0" + padded }
            if padded.hasSuffix(".") { padded += "0" }
            guard mantissa.count <= 2, padded != "0.0" || mantissa[0] != "." else { return nil }
            value = Double(mantissa.count == 2 ? "\(padded)e\(mantissa[1])" : padded)
        }
        return value.map { isNegative ? -$0 : $0 }
    }

    private static func trimmed(_ text: String) -> String { Text(text).stripped(nil).string }

    /// Underscores are allowed between digits only.
    private static func withoutUnderscores(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "_")) else { return text.isEmpty ? nil : text }
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "_") {
            guard index > 0, index + 1 < bytes.count, Unicode.Scalar(bytes[index - 1]).properties.isASCIIHexDigit,
                Unicode.Scalar(bytes[index + 1]).properties.isASCIIHexDigit
            else { return nil }
        }
        return text.filter { $0 != "_" }
    }
}
