/// Cuts a template into text and the tokens of its tags, with `trim_blocks` and `lstrip_blocks` as transformers sets
/// them: the line break after a block tag and the blanks before it are dropped.
struct Lexer {
    let source: [Unicode.Scalar]
    var place = 0
    var line = 1
    var tokens: [Token] = []

    /// Line ends become line feeds, and one at the very end is dropped.
    init(_ text: String) {
        var scalars: [Unicode.Scalar] = []
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            if scalar != "\n" || !isAfterReturn { scalars.append(scalar == "\r" ? "\n" : scalar) }
            isAfterReturn = scalar == "\r"
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    /// All tokens, the last of which is `end`.
    static func tokens(of text: String) throws(TemplateError) -> [Token] {
        guard text.utf8.count <= TemplateLimits.sourceCharacters else {
            throw .limit(line: 1, reason: "the template is longer than \(TemplateLimits.sourceCharacters) bytes")
        }
        var lexer = Lexer(text)
        try lexer.run()
        return lexer.tokens
    }

    /// A tag's beginning.
    private struct Opening {
        enum Kind { case raw, comment, block, variable }
        var kind: Kind
        /// `-` or `+` behind it.
        var sign: Unicode.Scalar?
        /// Where it begins and where its content does.
        var start: Int
        var content: Int
    }

    private mutating func run() throws(TemplateError) {
        while place < source.count {
            guard let opening = nextOpening() else {
                appendData(to: source.count, sign: nil, strips: false)
                place = source.count
                break
            }
            appendData(to: opening.start, sign: opening.sign, strips: opening.kind != .variable)
            move(to: opening.content)
            switch opening.kind {
            case .raw: try raw()
            case .comment: try comment()
            case .block:
                append(.blockBegin)
                try expression(until: .block)
            case .variable:
                append(.variableBegin)
                try expression(until: .variable)
            }
        }
        append(.end)
    }

    mutating func append(_ kind: Token.Kind) { tokens.append(Token(kind: kind, line: line)) }

    /// Goes on to `next`, counting lines.
    mutating func move(to next: Int) {
        for index in place..<next where source[index] == "\n" { line += 1 }
        place = next
    }

    func failure(_ reason: String) -> TemplateError { .syntax(line: line, reason: reason) }

    func has(_ text: StaticString, at index: Int) -> Bool {
        var index = index
        for scalar in "\(text)".unicodeScalars {
            guard index < source.count, source[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    func afterSpaces(_ index: Int) -> Int {
        var index = index
        while index < source.count, Text.isSpace(source[index]) { index += 1 }
        return index
    }

    private func sign(at index: Int) -> Unicode.Scalar? {
        index < source.count && (source[index] == "-" || source[index] == "+") ? source[index] : nil
    }

    private func nextOpening() -> Opening? {
        var index = place
        while index + 1 < source.count {
            defer { index += 1 }
            guard source[index] == "{" else { continue }
            let kind: Opening.Kind
            switch source[index + 1] {
            case "%": kind = .block
            case "{": kind = .variable
            case "#": kind = .comment
            default: continue
            }
            let sign = sign(at: index + 2)
            let content = index + (sign == nil ? 2 : 3)
            if kind == .block, let end = endOfWord("raw", at: content, dropsLineFeed: false) {
                return Opening(kind: .raw, sign: sign, start: index, content: end)
            }
            return Opening(kind: kind, sign: sign, start: index, content: content)
        }
        return nil
    }

    /// Where a block tag ends that holds only `word`.
    private func endOfWord(_ word: StaticString, at index: Int, dropsLineFeed: Bool) -> Int? {
        let start = afterSpaces(index)
        guard has(word, at: start) else { return nil }
        let end = afterSpaces(start + "\(word)".unicodeScalars.count)
        if has("%}", at: end) {
            return dropsLineFeed && has("\n", at: end + 2) ? end + 3 : end + 2
        }
        if has("-%}", at: end) { return afterSpaces(end + 3) }
        return dropsLineFeed && has("+%}", at: end) ? end + 3 : nil
    }

    /// The text from here to a tag. `-` in the tag drops all white space before it; without a sign blanks go that
    /// begin the tag's line.
    private mutating func appendData(to end: Int, sign: Unicode.Scalar?, strips: Bool) {
        var stop = end
        if sign == "-" {
            while stop > place, Text.isSpace(source[stop - 1]) { stop -= 1 }
        } else if sign == nil, strips {
            var start = end
            while start > place, source[start - 1] != "\n", Text.isSpace(source[start - 1]) { start -= 1 }
            if start == 0 || source[start - 1] == "\n" { stop = start }
        }
        if stop > place {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: source[place..<stop])
            append(.data(String(text)))
        }
        move(to: end)
    }

    private mutating func comment() throws(TemplateError) {
        var index = place
        while index < source.count, !has("#}", at: index) { index += 1 }
        guard index < source.count else {
            // As in jinja2, a tag with nothing behind it is no fault.
            if place < source.count { throw failure("Missing end of comment tag") }
            return
        }
        let sign = index > place ? sign(at: index - 1) : nil
        switch sign {
        case "-": move(to: afterSpaces(index + 2))
        case "+": move(to: index + 2)
        default: move(to: has("\n", at: index + 2) ? index + 3 : index + 2)
        }
    }

    private mutating func raw() throws(TemplateError) {
        var index = place
        while index < source.count {
            if has("{%", at: index) {
                let sign = sign(at: index + 2)
                let content = index + (sign == nil ? 2 : 3)
                if let end = endOfWord("endraw", at: content, dropsLineFeed: true) {
                    appendData(to: index, sign: sign, strips: true)
                    move(to: end)
                    return
                }
            }
            index += 1
        }
        if place < source.count { throw failure("Missing end of raw directive") }
    }
}
