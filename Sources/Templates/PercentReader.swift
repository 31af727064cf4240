/// A directive of a `%` format.
struct PercentDirective {
    var key: Text?
    var specification = FormatSpecification()
    var takesWidth = false
    var takesPrecision = false
    var conversion: Unicode.Scalar = "s"

    /// A negative width means: to the left.
    mutating func setWidth(_ width: Int) {
        if width < 0 { specification.align = "<" }
        specification.width = Int(clamping: width.magnitude)
    }
}

/// Cuts a `%` format into literal text and directives.
struct PercentReader {
    let units: [UInt32]
    var place = 0

    init(units: [UInt32]) { self.units = units }

    /// The text before the next directive, and that directive; nil at the end.
    mutating func next(
        _ failure: (String) -> TemplateError
    ) throws(TemplateError) -> (literal: ArraySlice<UInt32>, directive: PercentDirective?)? {
        guard place < units.count else { return nil }
        let end = units[place...].firstIndex { $0 & ~Text.sent == 37 } ?? units.count
        let literal = units[place..<end]
        place = end
        guard place < units.count else { return (literal, nil) }
        place += 1
        var directive = PercentDirective()
        if takes("(") != nil {
            guard let close = units[place...].firstIndex(where: { $0 & ~Text.sent == 41 }) else {
                throw failure("incomplete format key")
            }
            directive.key = Text(units: units[place..<close])
            place = close + 1
        }
        while let flag = takes("-+ 0#") {
            switch flag {
            case "-": directive.specification.align = "<"
            case "0":
                if directive.specification.align == nil {
                    (directive.specification.fill, directive.specification.align) = ("0", "=")
                }
            case "#": directive.specification.isAlternate = true
            default: directive.specification.sign = flag
            }
        }
        if directive.specification.align == "<" { directive.specification.fill = " " }
        if takes("*") != nil { directive.takesWidth = true } else { directive.specification.width = number() }
        if takes(".") != nil {
            if takes("*") != nil {
                directive.takesPrecision = true
            } else {
                directive.specification.precision = number()
            }
        }
        guard let conversion = takes("diouxXeEfFgGcrsa%") else {
            throw failure(place < units.count ? "unsupported format character" : "incomplete format")
        }
        directive.conversion = conversion
        if "srac".unicodeScalars.contains(conversion), directive.specification.align == "=" {
            (directive.specification.fill, directive.specification.align) = (" ", nil)
        }
        return (literal, directive)
    }

    private mutating func takes(_ set: String) -> Unicode.Scalar? {
        guard place < units.count else { return nil }
        let scalar = Text.scalar(units[place])
        guard set.unicodeScalars.contains(scalar) else { return nil }
        place += 1
        return scalar
    }

    private mutating func number() -> Int {
        var number = 0
        while let digit = takes("0123456789") { number = min(number * 10 + Int(digit.value) - 48, 1 << 40) }
        return number
    }
}
