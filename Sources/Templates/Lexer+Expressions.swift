/// Tokens within tags.
extension Lexer {
    enum Tag { case block, variable }

    /// Reads to the end of the tag. Braces that are open hide the end: `{{ {'a': {}} }}`.
    mutating func expression(until tag: Tag) throws(TemplateError) {
        var open: [Symbol] = []
        while place < source.count {
            if open.isEmpty, let end = end(of: tag) {
                append(tag == .block ? .blockEnd : .variableEnd)
                move(to: end)
                return
            }
            let scalar = source[place]
            if Text.isSpace(scalar) {
                move(to: afterSpaces(place))
            } else if Self.isDigit(scalar) {
                try number()
            } else if Self.isName(scalar) {
                var end = place
                while end < source.count, Self.isName(source[end]) { end += 1 }
                append(.name(text(place..<end)))
                place = end
            } else if scalar == "'" || scalar == "\"" {
                try string()
            } else {
                try symbol(&open)
            }
        }
        throw failure("the template ends within a tag")
    }

    private func end(of tag: Tag) -> Int? {
        switch tag {
        case .block:
            if has("+%}", at: place) { return place + 3 }
            if has("-%}", at: place) { return afterSpaces(place + 3) }
            guard has("%}", at: place) else { return nil }
            return has("\n", at: place + 2) ? place + 3 : place + 2
        case .variable:
            if has("-}}", at: place) { return afterSpaces(place + 3) }
            return has("}}", at: place) ? place + 2 : nil
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }

    private mutating func symbol(_ open: inout [Symbol]) throws(TemplateError) {
        let pair = place + 1 < source.count ? Symbol(rawValue: text(place..<(place + 2))) : nil
        guard let symbol = pair ?? Symbol(rawValue: text(place..<(place + 1))) else {
            throw failure("unexpected char '\(text(place..<(place + 1)))'")
        }
        if let closing = symbol.closing {
            open.append(closing)
        } else if symbol.isClosing {
            guard let expected = open.popLast() else { throw failure("unexpected '\(symbol.rawValue)'") }
            guard expected == symbol else {
                throw failure("unexpected '\(symbol.rawValue)', expected '\(expected.rawValue)'")
            }
        }
        append(.symbol(symbol))
        place += pair == nil ? 1 : 2
    }

    // MARK: Numbers

    /// The end of digits with single underscores between them; `start` itself where there are none.
    private func digitsEnd(_ start: Int, _ isDigit: (Unicode.Scalar) -> Bool = Lexer.isDigit) -> Int {
        var end = start
        while end < source.count {
            if isDigit(source[end]) {
                end += 1
            } else if source[end] == "_", end > start, end + 1 < source.count, isDigit(source[end + 1]) {
                end += 1
            } else {
                break
            }
        }
        return end
    }

    private mutating func number() throws(TemplateError) {
        if source[place] == "0", place + 1 < source.count, let radix = Self.radix(source[place + 1]) {
            let end = digitsEnd(place + 2) { $0.properties.isASCIIHexDigit }
            let digits = text((place + 2)..<end).filter { $0 != "_" }
            if let value = Int(digits, radix: radix) {
                append(.integer(value))
                place = end
                return
            }
        }
        let wholeEnd = digitsEnd(place)
        var end = wholeEnd
        let isAfterDot = place > 0 && source[place - 1] == "."
        if !isAfterDot {
            if end < source.count, source[end] == "." {
                let fractionEnd = digitsEnd(end + 1)
                if fractionEnd > end + 1 { end = fractionEnd }
            }
            if end < source.count, source[end] == "e" || source[end] == "E" {
                let hasSign = end + 1 < source.count && (source[end + 1] == "+" || source[end + 1] == "-")
                let start = end + (hasSign ? 2 : 1)
                let exponentEnd = digitsEnd(start)
                if exponentEnd > start { end = exponentEnd }
            }
        }
        let digits = text(place..<end).filter { $0 != "_" }
        place = end
        if end > wholeEnd {
            append(.float(Double(digits) ?? .infinity))
        } else if let value = Int(digits) {
            append(.integer(value))
        } else {
            append(.bigInteger(String(digits.drop { $0 == "0" })))
        }
    }

    private static func radix(_ scalar: Unicode.Scalar) -> Int? {
        switch scalar {
        case "b", "B": 2
        case "o", "O": 8
        case "x", "X": 16
        default: nil
        }
    }

    // MARK: Strings

    private mutating func string() throws(TemplateError) {
        let quote = source[place]
        var value = String.UnicodeScalarView()
        var index = place + 1
        while index < source.count {
            let scalar = source[index]
            index += 1
            if scalar == quote {
                append(.string(String(value)))
                move(to: index)
                return
            }
            if scalar == "\\", index < source.count {
                try escape(&index, into: &value)
            } else {
                value.append(scalar)
            }
        }
        throw failure("a string is not closed")
    }

    /// Python's escapes; what is none keeps its backslash.
    private func escape(_ index: inout Int, into value: inout String.UnicodeScalarView) throws(TemplateError) {
        let scalar = source[index]
        index += 1
        switch scalar {
        case "\n": break
        case "n": value.append("\n")
        case "t": value.append("\t")
        case "r": value.append("\r")
        case "a": value.append("\u{7}")
        case "b": value.append("\u{8}")
        case "f": value.append("\u{C}")
        case "v": value.append("\u{B}")
        case "\\", "'", "\"": value.append(scalar)
        case "x": value.append(try hexadecimal(&index, digits: 2))
        case "u": value.append(try hexadecimal(&index, digits: 4))
        case "U": value.append(try hexadecimal(&index, digits: 8))
        case "0"..."7":
            var code = scalar.value - 48
            for _ in 0..<2 where index < source.count && ("0"..."7").contains(source[index]) {
                code = code * 8 + source[index].value - 48
                index += 1
            }
            value.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        default:
            value.append("\\")
            value.append(scalar)
        }
    }

    private func hexadecimal(_ index: inout Int, digits: Int) throws(TemplateError) -> Unicode.Scalar {
        let end = min(index + digits, source.count)
        let text = text(index..<end)
        guard text.unicodeScalars.count == digits, let code = UInt32(text, radix: 16),
            let scalar = Unicode.Scalar(code)
        else { throw failure("a string has an escape that is no character: \\\(text)") }
        index = end
        return scalar
    }
}
