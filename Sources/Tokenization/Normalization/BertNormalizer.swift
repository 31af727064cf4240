/// BERT's cleaning of text (Devlin et al., arXiv 1810.04805, and its published tokenizer).
struct BertNormalizer: Sendable, Equatable {
    /// Drops control characters and makes all white space blanks.
    var cleansText = true
    /// Puts blanks around Chinese characters.
    var separatesChinese = true
    /// Decomposes characters and drops accents.
    var stripsAccents = true
    var lowercases = true

    /// `text` is valid UTF-8.
    func normalize(_ text: [UInt8]) -> [UInt8] {
        var text = text
        if cleansText { text = Self.clean(text) }
        if separatesChinese {
            text = text.rewritingScalars { scalar, result in
                let isChinese = Self.isChinese(scalar)
                if isChinese { result.append(UInt8(ascii: " ")) }
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                if isChinese { result.append(UInt8(ascii: " ")) }
            }
        }
        if stripsAccents {
            text = NormalizationForm.decomposed.apply(to: text).filteringScalars { !Self.isAccent($0) }
        }
        return lowercases ? text.lowercased() : text
    }

    /// U+1171E is a spacing mark in newer Unicode; the tables that vocabularies are made with have it among the others.
    private static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .nonspacingMark || scalar == "\u{1171E}"
    }

    private static func clean(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\t", "\n", "\r": result.append(UInt8(ascii: " "))
            case "\0", "\u{FFFD}": continue
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .privateUse: continue
                default:
                    if scalar.properties.isWhitespace {
                        result.append(UInt8(ascii: " "))
                    } else {
                        result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                    }
                }
            }
        }
        return result
    }

    /// The blocks that BERT's own code lists.
    private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
