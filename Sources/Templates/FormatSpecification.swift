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

    /// Work that writing a number takes at most.
    static let cost = 50_000

    /// Decimal digits with exactly `digits` behind the point: the exact value rounded to nearest, ties to even.
    static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return PythonFloat.text(value) }
        var (exact, point) = exactDigits(value.magnitude)
        let dropped = point - digits
        if dropped > 0 {
            exact = [UInt8](repeating: 0, count: max(0, dropped + 1 - exact.count)) + exact
            let tail = exact.suffix(dropped)
            exact.removeLast(dropped)
            let half = tail.first ?? 0
            let isAbove = half > 5 || (half == 5 && tail.dropFirst().contains { $0 != 0 })
            if isAbove || (half == 5 && (exact.last ?? 0) % 2 == 1) { increment(&exact) }
        } else {
            exact += [UInt8](repeating: 0, count: -dropped)
        }
        exact = [UInt8](repeating: 0, count: max(0, digits + 1 - exact.count)) + exact
        let text = String(decoding: exact.map { $0 + 48 }, as: UTF8.self)
        let whole = text.dropLast(digits)
        return "\(value.sign == .minus ? "-" : "")\(whole)\(digits == 0 ? "" : ".")\(text.suffix(digits))"
    }

    private static func increment(_ digits: inout [UInt8]) {
        var index = digits.count - 1
        while index >= 0, digits[index] == 9 {
            digits[index] = 0
            index -= 1
        }
        if index >= 0 { digits[index] += 1 } else { digits.insert(1, at: 0) }
    }

    /// All decimal digits of a number, and how many of them are behind the point. m · 2^-k = m · 5^k / 10^k.
    private static func exactDigits(_ value: Double) -> (digits: [UInt8], point: Int) {
        guard value > 0 else { return ([0], 0) }
        let isNormal = value.exponentBitPattern > 0
        var significand = value.significandBitPattern | (isNormal ? 1 << 52 : 0)
        var exponent = Int(max(value.exponentBitPattern, 1)) - 1075
        while exponent < 0, significand & 1 == 0 {
            significand >>= 1
            exponent += 1
        }
        // Limbs of nine decimal digits, the lowest first.
        let billion: UInt64 = 1_000_000_000
        var limbs = [significand % billion, significand / billion]
        for _ in 0..<abs(exponent) {
            var carry: UInt64 = 0
            for index in limbs.indices {
                let product = limbs[index] * (exponent < 0 ? 5 : 2) + carry
                limbs[index] = product % billion
                carry = product / billion
            }
            if carry > 0 { limbs.append(carry) }
        }
        var digits: [UInt8] = []
        for limb in limbs {
            var rest = limb
            for _ in 0..<9 {
                digits.append(UInt8(rest % 10))
                rest /= 10
            }
        }
        while digits.count > 1, digits.last == 0 { digits.removeLast() }
        return (digits.reversed(), max(0, -exponent))
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
