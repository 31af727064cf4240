internal import JSON

/// The `normalizer` and `pre_tokenizer` of a tokenizer.json.
enum TokenizerJSONPipeline {
    /// Steps of a normalizer; null is none.
    static func normalizer(_ field: JSONField?) throws(TokenizerError) -> [NormalizerStep] {
        guard let field else { return [] }
        let type = try field.required("type").string()
        if let form = NormalizationForm(rawValue: type) { return [.form(form)] }
        switch type {
        case "Prepend": return [.prepend(try field.required("prepend").text())]
        case "Replace": return [try replacement(field)]
        case "Lowercase": return [.lowercase]
        case "StripAccents": return [.stripAccents]
        case "Strip":
            return [
                .strip(
                    left: try field.flag("strip_left", default: true),
                    right: try field.flag("strip_right", default: true))
            ]
        case "Precompiled":
            guard let map = field.member("precompiled_charsmap") else { return [] }
            guard let bytes = Base64.decode(try map.text()) else {
                throw .badField(field: map.path, reason: "is not Base64")
            }
            return bytes.isEmpty ? [] : [.precompiled(try PrecompiledCharsMap(bytes, field: map.path))]
        case "BertNormalizer": return [.bert(try bertNormalizer(field))]
        case "Sequence":
            var steps: [NormalizerStep] = []
            for field in try field.required("normalizers").elements() { steps += try normalizer(field) }
            return steps
        case let other:
            let known = [
                "BertNormalizer", "Lowercase", "Precompiled", "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
            ]
            throw .unsupported(
                field: "\(field.path).type", value: other,
                known: (known + NormalizationForm.allCases.map(\.rawValue)).sorted())
        }
    }

    private static func replacement(_ field: JSONField) throws(TokenizerError) -> NormalizerStep {
        let content = try field.required("content").text()
        if let pattern = try field.required("pattern").member("Regex") {
            return .replacePattern(try RegularExpression(try pattern.string()), with: content)
        }
        return .replace(try literal(of: field), with: content)
    }

    private static func bertNormalizer(_ field: JSONField) throws(TokenizerError) -> BertNormalizer {
        let lowercases = try field.flag("lowercase", default: true)
        return BertNormalizer(
            cleansText: try field.flag("clean_text", default: true),
            separatesChinese: try field.flag("handle_chinese_chars", default: true),
            stripsAccents: try field.flag("strip_accents", default: lowercases), lowercases: lowercases)
    }

    /// The text of a `pattern` that is an exact text.
    static func literal(of field: JSONField) throws(TokenizerError) -> [UInt8] {
        let pattern = try field.required("pattern")
        guard let literal = pattern.member("String") else {
            let kind = try pattern.object().keys.first ?? "none"
            throw .unsupported(field: pattern.path, value: kind, known: ["String", "Regex"])
        }
        return try literal.text()
    }

    /// Steps of a pre-tokenizer, and whether words are bytes after them.
    static func preTokenizer(
        _ field: JSONField?
    ) throws(TokenizerError) -> (steps: [PreTokenizerStep], isByteLevel: Bool) {
        var steps: [PreTokenizerStep] = []
        var isByteLevel = false
        guard let field else { return (steps, isByteLevel) }
        let list = try flattened(field)
        for (number, field) in list.enumerated() {
            let type = try field.required("type").string()
            steps += try self.steps(field, type)
            guard type == "ByteLevel" else { continue }
            guard !isByteLevel else {
                throw .unsupported(field: "\(field.path).type", value: "a second ByteLevel", known: ["one ByteLevel"])
            }
            isByteLevel = true
            // What comes after sees the characters that stand for bytes.
            if number < list.count - 1 { steps.append(.spellBytes) }
        }
        if isByteLevel, try list.last?.required("type").string() != "ByteLevel" { steps.append(.unspellBytes) }
        return (steps, isByteLevel)
    }

    /// The members of sequences, at any depth, in order.
    private static func flattened(_ field: JSONField) throws(TokenizerError) -> [JSONField] {
        guard try field.required("type").string() == "Sequence" else { return [field] }
        var members: [JSONField] = []
        for member in try field.required("pretokenizers").elements() { members += try flattened(member) }
        return members
    }

    private static func steps(_ field: JSONField, _ type: String) throws(TokenizerError) -> [PreTokenizerStep] {
        switch type {
        case "ByteLevel":
            var steps: [PreTokenizerStep] = []
            if try field.flag("add_prefix_space", default: true) { steps.append(.prefixSpace) }
            if try field.flag("use_regex", default: true) {
                steps.append(try .isolating(PreTokenizerPatterns.gpt2))
            }
            return steps
        case "Split": return [try split(field)]
        case "Digits":
            let isSingle = try field.flag("individual_digits", default: false)
            return [try .isolating(isSingle ? #"\p{N}"# : #"\p{N}+"#)]
        case "Metaspace":
            let replacement = try field.member("replacement")?.text() ?? TokenSpelling.spaceMark
            guard !replacement.isEmpty else { throw .badField(field: "\(field.path).replacement", reason: "is empty") }
            return [
                .metaspace(
                    replacement: replacement, try prefixScheme(field), splits: try field.flag("split", default: true))
            ]
        case "Whitespace":
            // The words of Unicode's regular expressions (UTS 18, annex C), not those of the patterns in files.
            let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}"#
            return [.split(try RegularExpression(#"[\#(word)]+|[^\#(word)\s]+"#), .removed, isInverted: true)]
        case "WhitespaceSplit": return [.split(try RegularExpression(#"\s+"#), .removed, isInverted: false)]
        case "BertPreTokenizer":
            return try PreTokenizerPatterns.bert()
        case "Punctuation":
            let behavior = try field.member("behavior").map(splitBehavior) ?? .isolated
            return [.split(try RegularExpression(PreTokenizerPatterns.punctuationMark), behavior, isInverted: false)]
        case "CharDelimiterSplit":
            return [.splitLiteral(try field.required("delimiter").text(), .removed, isInverted: false)]
        default:
            throw .unsupported(
                field: "\(field.path).type", value: type,
                known: [
                    "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "Metaspace", "Punctuation",
                    "Sequence", "Split", "Whitespace", "WhitespaceSplit",
                ])
        }
    }

    private static func splitBehavior(_ field: JSONField) throws(TokenizerError) -> SplitBehavior {
        let name = try field.string()
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw .unsupported(field: field.path, value: name, known: SplitBehavior.allCases.map(\.rawValue))
        }
        return behavior
    }

    private static func split(_ field: JSONField) throws(TokenizerError) -> PreTokenizerStep {
        let behavior = try splitBehavior(try field.required("behavior"))
        let isInverted = try field.flag("invert", default: false)
        if let pattern = try field.required("pattern").member("Regex") {
            let text = try pattern.string()
            if behavior == .isolated, let groups = DigitGroups.standing(for: text) { return .digitGroups(groups) }
            return .split(try RegularExpression(text), behavior, isInverted: isInverted)
        }
        return .splitLiteral(try literal(of: field), behavior, isInverted: isInverted)
    }

    /// `prepend_scheme`, or its predecessor `add_prefix_space`.
    static func prefixScheme(_ field: JSONField) throws(TokenizerError) -> PrefixScheme {
        guard let scheme = field.member("prepend_scheme") else {
            return try field.flag("add_prefix_space", default: true) ? .always : .never
        }
        let name = try scheme.string()
        guard let known = PrefixScheme(rawValue: name) else {
            throw .unsupported(field: scheme.path, value: name, known: PrefixScheme.allCases.map(\.rawValue))
        }
        return known
    }
}
