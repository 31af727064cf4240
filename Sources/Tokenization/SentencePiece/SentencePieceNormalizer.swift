/// What SentencePiece does to a text before it looks up tokens (Kudo and Richardson, arXiv 1808.06226, section 3.2).
struct SentencePieceNormalizer: Sendable, Equatable {
    /// Replacements such as those of NFKC; nil leaves characters as they are.
    var replacements: PrecompiledCharsMap?
    /// Puts a space in front of the text, or behind it where `marksWordEnds`.
    var addsDummySpace = true
    /// Drops white space at the ends and all but one of several spaces.
    var removesExtraSpaces = true
    /// Spaces become U+2581.
    var escapesSpaces = true
    /// A space belongs to the word before it.
    var marksWordEnds = false
    /// Texts of user-defined tokens, which are never rewritten.
    var kept: [[UInt8]] = [] {
        didSet { keptTrie = ByteTrie(kept.map { ($0, 0) }) }
    }
    private var keptTrie = ByteTrie([])

    init() {}

    static func == (left: Self, right: Self) -> Bool {
        left.replacements == right.replacements && left.addsDummySpace == right.addsDummySpace
            && left.removesExtraSpaces == right.removesExtraSpaces && left.escapesSpaces == right.escapesSpaces
            && left.marksWordEnds == right.marksWordEnds && left.kept == right.kept
    }

    private static let space = UInt8(ascii: " ")
    private var spaceText: [UInt8] { escapesSpaces ? TokenSpelling.spaceMark : [Self.space] }

    /// `text` is valid UTF-8.
    func normalize(_ text: [UInt8]) -> [UInt8] {
        var place = 0
        while removesExtraSpaces, place < text.count {
            let (piece, length) = rewritten(text, place)
            guard piece.elementsEqual([Self.space]) else { break }
            place += length
        }
        guard place < text.count else { return [] }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 2)
        if addsDummySpace, !marksWordEnds { result += spaceText }
        var followsSpace = removesExtraSpaces
        while place < text.count {
            var (piece, length) = rewritten(text, place)
            if followsSpace { piece = piece.drop { $0 == Self.space } }
            if let last = piece.last {
                for byte in piece { if byte == Self.space { result += spaceText } else { result.append(byte) } }
                followsSpace = last == Self.space && removesExtraSpaces
            }
            place += length
        }
        while removesExtraSpaces, result.count >= spaceText.count, result.suffix(spaceText.count) == spaceText[...] {
            result.removeLast(spaceText.count)
        }
        if addsDummySpace, marksWordEnds { result += spaceText }
        return result
    }

    /// What the characters at `place` become, and how many bytes they are.
    private func rewritten(_ text: [UInt8], _ place: Int) -> (piece: ArraySlice<UInt8>, length: Int) {
        let rest = place..<text.count
        if !kept.isEmpty, let (_, length) = keptTrie.longestPrefix(in: text, rest) {
            return (text[place..<place + length], length)
        }
        if let match = replacements?.match(in: text, rest, longest: true) { return (match.text, match.length) }
        let width = min(UTF8.width(leading: text[place]), text.count - place)
        return (text[place..<place + width], width)
    }
}
