/// What becomes of a separator when text is split.
enum SplitBehavior: String, Sendable, CaseIterable {
    case removed = "Removed"
    /// A piece of its own.
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    /// Neighbouring separators are one piece.
    case contiguous = "Contiguous"
}

/// When a leading space is put before a stretch of text.
enum PrefixScheme: String, Sendable, CaseIterable {
    case always, never
    /// Only before the text's own first stretch, not after an added token.
    case first
}

/// A cut or rewriting between normalising and merging.
enum PreTokenizerStep: Sendable {
    case split(RegularExpression, SplitBehavior, isInverted: Bool)
    /// Splits at an exact text.
    case splitLiteral([UInt8], SplitBehavior, isInverted: Bool)
    /// Puts a space before a stretch that does not start with one.
    case prefixSpace
    /// Replaces spaces, puts one in front, and optionally starts a piece at each.
    case metaspace(replacement: [UInt8], PrefixScheme, splits: Bool)
    /// Cuts runs of digits into groups of three from their right ends.
    case digitGroups(DigitGroups)
    /// Spells each byte by its character in GPT-2's alphabet, or undoes that; steps between see those characters.
    case spellBytes
    case unspellBytes

    /// Whether all of the text is in the pieces, and none of it shorter than before.
    var keepsText: Bool {
        switch self {
        case .split(_, let behavior, _), .splitLiteral(_, let behavior, _): behavior != .removed
        case .prefixSpace, .digitGroups, .spellBytes, .unspellBytes: true
        case .metaspace(let replacement, _, _): !replacement.isEmpty
        }
    }

    /// `isTextStart` says that the stretch begins the whole text.
    func apply(to pieces: inout TextPieces, isTextStart: Bool) {
        switch self {
        case .split(let expression, let behavior, let isInverted):
            let matcher = expression.matcher()
            pieces.split { text, range, parts in
                let matches = matcher.matches(in: text, range)
                Self.cut(range, at: matches, behavior, isInverted, &parts)
            }
        case .splitLiteral(let literal, let behavior, let isInverted):
            pieces.split { text, range, parts in
                Self.cut(range, at: Self.occurrences(of: literal, in: text, range), behavior, isInverted, &parts)
            }
        case .prefixSpace:
            pieces.rewrite { text, _ in text.first == UInt8(ascii: " ") ? Array(text) : [UInt8(ascii: " ")] + text }
        case .metaspace(let replacement, let scheme, let splits):
            Self.applyMetaspace(to: &pieces, replacement, scheme, isTextStart: isTextStart)
            guard splits else { return }
            pieces.split { text, range, parts in
                Self.cut(range, at: Self.occurrences(of: replacement, in: text, range), .mergedWithNext, false, &parts)
            }
        case .digitGroups(let groups):
            pieces.split { text, range, parts in
                Self.cut(range, at: groups.matches(in: text, range), .isolated, false, &parts)
            }
        case .spellBytes: pieces.rewrite { text, _ in ByteAlphabet.spell(text) }
        case .unspellBytes: pieces.rewrite { text, _ in ByteAlphabet.decode(Array(text)) ?? [] }
        }
    }

    private static func applyMetaspace(
        to pieces: inout TextPieces, _ replacement: [UInt8], _ scheme: PrefixScheme, isTextStart: Bool
    ) {
        pieces.rewrite { text, isFirst in
            let spaced = Array(text).replacing([UInt8(ascii: " ")], replacement)
            let isPrefixed = scheme == .always || (scheme == .first && isTextStart && isFirst)
            return isPrefixed && !spaced.occurs(replacement, at: 0) ? replacement + spaced : spaced
        }
    }

    private static func occurrences(of literal: [UInt8], in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        guard let first = literal.first else { return [] }
        var found: [Range<Int>] = []
        var place = range.lowerBound
        while place + literal.count <= range.upperBound {
            if text[place] == first, text.occurs(literal, at: place) {
                found.append(place..<place + literal.count)
                place += literal.count
            } else {
                place += 1
            }
        }
        return found
    }

    /// Appends the parts of `range` between and at the matches.
    static func cut(
        _ range: Range<Int>, at matches: [Range<Int>], _ behavior: SplitBehavior, _ isInverted: Bool,
        _ parts: inout [Range<Int>]
    ) {
        var joiner = PartJoiner(behavior: behavior)
        var end = range.lowerBound
        for match in matches {
            if match.lowerBound > end { joiner.append(end..<match.lowerBound, isSeparator: isInverted, &parts) }
            joiner.append(match, isSeparator: !isInverted, &parts)
            end = match.upperBound
        }
        if end < range.upperBound { joiner.append(end..<range.upperBound, isSeparator: isInverted, &parts) }
        joiner.finish(&parts)
    }
}

/// Joins separators to their neighbours as a `SplitBehavior` says.
private struct PartJoiner {
    let behavior: SplitBehavior
    /// The part that may still grow, and whether it ends with a separator.
    private var open: (part: Range<Int>, isSeparator: Bool)?

    init(behavior: SplitBehavior) { self.behavior = behavior }

    /// An empty separator still separates.
    mutating func append(_ part: Range<Int>, isSeparator: Bool, _ parts: inout [Range<Int>]) {
        if behavior == .removed, isSeparator { return finish(&parts) }
        if let last = open, joins(last.isSeparator, isSeparator) {
            open = (last.part.lowerBound..<part.upperBound, isSeparator)
        } else {
            finish(&parts)
            open = (part, isSeparator)
        }
    }

    mutating func finish(_ parts: inout [Range<Int>]) {
        if let open { parts.append(open.part) }
        open = nil
    }

    private func joins(_ last: Bool, _ next: Bool) -> Bool {
        switch behavior {
        case .removed, .isolated: false
        case .mergedWithPrevious: next && !last
        case .mergedWithNext: last && !next
        case .contiguous: last == next
        }
    }
}
