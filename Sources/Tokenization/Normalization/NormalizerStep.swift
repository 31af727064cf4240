/// A rewriting of text before it is split and merged.
enum NormalizerStep: Sendable, Equatable {
    /// Puts a text before each stretch that is not empty.
    case prepend([UInt8])
    /// Replaces every occurrence, from left to right.
    case replace([UInt8], with: [UInt8])
    /// Replaces every match of a pattern.
    case replacePattern(RegularExpression, with: [UInt8])
    case form(NormalizationForm)
    /// Each character's lower case, whatever stands around it.
    case lowercase
    /// Drops white space at the ends.
    case strip(left: Bool, right: Bool)
    /// Drops combining marks.
    case stripAccents
    /// Replacements that SentencePiece compiled into a file, applied to grapheme clusters as tokenizer.json has them.
    case precompiled(PrecompiledCharsMap)
    /// All that SentencePiece does before it looks up tokens.
    case sentencePiece(SentencePieceNormalizer)
    case bert(BertNormalizer)
}

extension [NormalizerStep] {
    /// The text after all steps. `text` is valid UTF-8.
    func normalize(_ text: [UInt8]) -> [UInt8] {
        var text = text
        for step in self where !text.isEmpty { text = step.apply(to: text) }
        return text
    }
}

extension NormalizerStep {
    /// The text after this step; `text` is not empty.
    fileprivate func apply(to text: [UInt8]) -> [UInt8] {
        switch self {
        case .prepend(let prefix): prefix + text
        case .replace(let pattern, let content): text.replacing(pattern, content)
        case .replacePattern(let expression, let content): text.replacing(expression, content)
        case .form(let form): form.apply(to: text)
        case .lowercase: text.lowercased()
        case .strip(let left, let right): Self.stripped(text, left: left, right: right)
        case .stripAccents: text.filteringScalars { !$0.properties.generalCategory.isMark }
        case .precompiled(let map): map.applyToGraphemes(text)
        case .sentencePiece(let normalizer): normalizer.normalize(text)
        case .bert(let normalizer): normalizer.normalize(text)
        }
    }

    private static func stripped(_ text: [UInt8], left: Bool, right: Bool) -> [UInt8] {
        let start = left ? WordBorders.spaceEnd(after: 0, in: text) : 0
        let end = right ? WordBorders.spaceStart(before: text.count, after: start, in: text) : text.count
        return Array(text[start..<end])
    }
}

extension Unicode.GeneralCategory {
    /// Nonspacing, spacing and enclosing marks.
    var isMark: Bool { self == .nonspacingMark || self == .spacingMark || self == .enclosingMark }
}
