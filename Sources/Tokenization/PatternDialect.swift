/// The patterns of tokenizers are written for other engines (Oniguruma, Rust's regex). Where PCRE2 reads the same text
/// differently it is spelled out here, or refused.
enum PatternDialect {
    /// White_Space; PCRE2's `\s` has U+180E beside it.
    private static let space = "\\p{Z}\\t-\\r\\x{85}"
    /// Alphabetic characters (circled letters too), marks, digits, connectors and Latin-1's superscripts and fractions,
    /// as Oniguruma has them; PCRE2's `\w` has other numbers and no marks.
    private static let word = "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
    private static let hexadecimalDigit = "0-9A-Fa-f"

    /// The pattern as PCRE2 has to have it. Throws for what cannot be said.
    static func translated(_ pattern: String) throws(TokenizerError) -> String {
        var result = ""
        var isInClass = false
        var classStart = false
        var scalars = pattern.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            let isFirst = classStart
            classStart = false
            switch scalar {
            case "\\":
                result += escape(scalars.popFirst(), &scalars, isInClass)
                continue
            case "[" where !isInClass:
                isInClass = true
                classStart = true
            case "^" where isFirst: classStart = true
            case "[" where scalars.first != ":": throw refused(pattern, "a class within a class")
            case "[":
                // A class such as [:punct:].
                result += "[" + String(scalars.prefix { $0 != "]" }) + "]"
                scalars = scalars.drop { $0 != "]" }.dropFirst()
                continue
            case "&" where isInClass && scalars.first == "&": throw refused(pattern, "&& in a class")
            case "]" where !isFirst: isInClass = false
            default: break
            }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private static func escape(
        _ escaped: Unicode.Scalar?, _ rest: inout Substring.UnicodeScalarView, _ isInClass: Bool
    ) -> String {
        switch escaped {
        case "s": return isInClass ? space : "[\(space)]"
        case "S" where !isInClass: return "[^\(space)]"
        case "w": return isInClass ? word : "[\(word)]"
        case "W" where !isInClass: return "[^\(word)]"
        case "h": return isInClass ? hexadecimalDigit : "[\(hexadecimalDigit)]"
        case "p", "P":
            let letter = escaped == "p" ? "\\p" : "\\P"
            guard rest.first == "{" else { return letter }
            let name = String(rest.dropFirst().prefix { $0 != "}" })
            rest = rest.drop { $0 != "}" }.dropFirst()
            return "\(letter){\(scripts.contains(name) ? "sc:" : "")\(name)}"
        case let other?: return "\\" + String(Character(other))
        case nil: return "\\"
        }
    }

    /// PCRE2 takes a bare script name for all characters that the script may use; other engines for those of its own.
    private static let scripts: Set<String> = [
        "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati",
        "Gurmukhi", "Han", "Hangul", "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam",
        "Mongolian", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai", "Tibetan",
    ]

    private static func refused(_ pattern: String, _ what: String) -> TokenizerError {
        .badPattern(pattern: pattern, offset: 0, reason: "\(what) is not supported")
    }
}
