internal import Glibc

/// How one value is written by `format` or `%`: `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct FormatSpecification {
    var fill: Unicode.Scalar = " "
    var align: Unicode.Scalar?
    var sign: Unicode.Scalar = "-"
    var isAlternate = false
    var width = 0
    var separator: Unicode.Scalar?
    var precision: Int?
    var type: Unicode.Scalar?

    init() {}

    /// Reads Python's format specification; nil for a text that is none.
    init?(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        var place = 0
        func isAlign(_ index: Int) -> Bool { index < scalars.count && "<>=^".unicodeScalars.contains(scalars[index]) }
        if isAlign(1) {
            (fill, align, place) = (scalars[0], scalars[1], 2)
        } else if isAlign(0) {
            (align, place) = (scalars[0], 1)
        }
        func takes(_ set: String) -> Unicode.Scalar? {
            guard place < scalars.count, set.unicodeScalars.contains(scalars[place]) else { return nil }
            place += 1
            return scalars[place - 1]
        }
        func number() -> Int? {
            var digits = ""
            while digits.utf8.count < 9, let digit = takes("0123456789") { digits.unicodeScalars.append(digit) }
            return Int(digits)
        }
        sign = takes("+- ") ?? "-"
        isAlternate = takes("#") != nil
        if takes("0") != nil, align == nil { (fill, align) = ("0", "=") }
        width = number() ?? 0
        separator = takes(",_")
        if takes(".") != nil {
            guard let digits = number() else { return nil }
            precision = digits
        }
        type = takes("bcdeEfFgGnosxX%")
        guard place == scalars.count else { return nil }
    }

    /// Most digits behind the point; a double has no more that are not zero.
    private static let mostDigits = 1100

    /// Decimal digits with exactly `digits` behind the point, rounded to nearest.
    static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return PythonFloat.text(value) }
        let digits = min(max(digits, 0), mostDigits)
        // The exact value of a double is a decimal; its digits come out of exact arithmetic on the fraction.
        var whole = value.magnitude.rounded(.down)
        var fraction = value.magnitude - whole
        var tail: [Int] = []
        for _ in 0..<digits {
            fraction *= 10
            let digit = fraction.rounded(.down)
            tail.append(Int(digit))
            fraction -= digit
        }
        let lastIsOdd = (tail.last ?? Int(fmod(whole, 2))) % 2 == 1
        if fraction > 0.5 || (fraction == 0.5 && lastIsOdd) {
            var index = tail.count - 1
            while index >= 0, tail[index] == 9 {
                tail[index] = 0
                index -= 1
            }
            if index >= 0 { tail[index] += 1 } else { whole += 1 }
        }
        let head = Int(exactly: whole).map(String.init) ?? integerDigits(whole)
        let sign = value.sign == .minus ? "-" : ""
        return sign + head + (digits == 0 ? "" : "." + tail.map(String.init).joined())
    }

    /// All digits of a large whole number.
    private static func integerDigits(_ value: Double) -> String {
        var digits: [Int] = [0]
        // Doubling decimal digits: at most 1024 times some 300 of them.
        for bit in String(UInt64(value.significandBitPattern | 1 << 52), radix: 2) {
            Self.double(&digits, adding: bit == "1" ? 1 : 0)
        }
        for _ in 0..<max(0, Int(value.exponent) - 52) { Self.double(&digits, adding: 0) }
        return digits.reversed().map(String.init).joined()
    }

    private static func double(_ digits: inout [Int], adding carry: Int) {
        var carry = carry
        for index in digits.indices {
            let value = digits[index] * 2 + carry
            digits[index] = value % 10
            carry = value / 10
        }
        if carry > 0 { digits.append(carry) }
    }

    /// `d.ddde+XX`
    static func exponential(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return PythonFloat.text(value) }
        var exponent = value == 0 ? 0 : Int(log10(value.magnitude).rounded(.down))
        func scaled() -> Double { value.magnitude / pow(10, Double(exponent)) }
        if scaled() >= 10 { exponent += 1 } else if value != 0, scaled() < 1 { exponent -= 1 }
        var mantissa = fixed(scaled(), digits: digits)
        if mantissa.hasPrefix("10") {
            exponent += 1
            mantissa = fixed(scaled(), digits: digits)
        }
        let sized = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
        return "\(value.sign == .minus ? "-" : "")\(mantissa)e\(exponent < 0 ? "-" : "+")\(sized)"
    }

    /// Python's `g`: the shorter of both with so many significant digits, without zeros at the end.
    static func general(_ value: Double, digits: Int, keepsZeros: Bool) -> String {
        guard value.isFinite else { return PythonFloat.text(value) }
        let digits = max(digits, 1)
        let parts = exponential(value, digits: digits - 1).split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        func trimmed(_ text: String) -> String {
            guard !keepsZeros, text.contains(".") else { return text }
            var text = text
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
            return text
        }
        if exponent < -4 || exponent >= digits { return trimmed(String(parts[0])) + "e" + parts[1] }
        return trimmed(fixed(value, digits: digits - 1 - exponent))
    }
}
