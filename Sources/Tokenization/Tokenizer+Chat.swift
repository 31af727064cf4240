public import Generation

extension Tokenizer {
    /// The same with the limit of `encode(_:addSpecial:parseSpecial:limit:)`.
    public func encode(_ pieces: [ChatPiece], limit: Int) throws(TooManyTokens) -> [TokenID] {
        let stretches = stretches(of: pieces)
        try check(stretches, limit: limit)
        return encode(stretches, addSpecial: false)
    }

    /// Token ids of a rendered conversation. Text pieces never become control tokens; neighbouring text is merged as
    /// one, whatever pieces it came in. White space next to a token that swallows it is dropped, as in `encode`.
    /// Where the tokenizer puts a space before each stretch of text, a space that the format has there is that space.
    public func encode(_ pieces: [ChatPiece]) -> [TokenID] {
        encode(stretches(of: pieces), addSpecial: false)
    }

    private func stretches(of pieces: [ChatPiece]) -> [Stretch] {
        var stretches: [Stretch] = []
        var text: [UInt8] = []
        var isStart = true
        var swallowsSpace = false
        func flush() {
            if swallowsSpace { text.removeFirst(WordBorders.spaceEnd(after: 0, in: text)) }
            if prependsSpace, !stretches.isEmpty, text.first == UInt8(ascii: " ") { text.removeFirst() }
            guard !text.isEmpty else { return }
            append(text, parseSpecial: false, isTextStart: isStart, to: &stretches)
            text = []
            isStart = false
        }
        func add(_ tokens: [TokenID]) {
            if let first = tokens.first, addedToken(first)?.stripsLeft == true {
                text.removeLast(text.count - WordBorders.spaceStart(before: text.count, after: 0, in: text))
            }
            flush()
            stretches += tokens.map { .token($0) }
            isStart = isStart && tokens.isEmpty
            if let last = tokens.last { swallowsSpace = addedToken(last)?.stripsRight ?? false }
        }
        for piece in pieces {
            switch piece {
            case .text(let part): text += part.utf8
            case .special(let name):
                if let token = specialToken(named: name) { add([token]) } else { text += name.utf8 }
            case .bos: if let bosToken { add([bosToken]) }
            case .modelPrefix: add(prefixTokens)
            case .eos: if let eos = vocabulary.eosToken { add([eos]) }
            }
        }
        flush()
        return stretches
    }
}
