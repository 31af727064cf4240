internal import JSON

/// The `normalizer` and `pre_tokenizer` of a tokenizer.json.
enum TokenizerJSONPipeline {
    /// Steps of a normalizer; null is none.
    static func normalizer(_ field: JSONField?) throws(TokenizerError) -> [NormalizerStep] {
        guard let field else { return [] }
        switch try field.required("type").string() {
        case "Prepend":
            return [.prepend(try field.required("prepend").text())]
        case "Replace":
            return [.replace(try literal(of: field), with: try field.required("content").text())]
        case "NFC":
            return [.composed]
        case "Sequence":
            var steps: [NormalizerStep] = []
            for field in try field.required("normalizers").elements() { steps += try normalizer(field) }
            return steps
        case let other:
            throw .unsupported(
                field: "\(field.path).type", value: other, known: ["NFC", "Prepend", "Replace", "Sequence"])
        }
    }

    /// The text of a `pattern` that is an exact text.
    static func literal(of field: JSONField) throws(TokenizerError) -> [UInt8] {
        let pattern = try field.required("pattern")
        guard let literal = pattern.member("String") else {
            let kind = try pattern.object().keys.first ?? "none"
            throw .unsupported(field: pattern.path, value: kind, known: ["String"])
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
        let list =
            try field.required("type").string() == "Sequence"
            ? try field.required("pretokenizers").elements() : [field]
        for field in list {
            let type = try field.required("type").string()
            guard !isByteLevel else {
                throw .unsupported(
                    field: "\(field.path).type", value: "\(type) after ByteLevel", known: ["ByteLevel as the last step"]
                )
            }
            isByteLevel = type == "ByteLevel"
            steps += try self.steps(field, type)
        }
        return (steps, isByteLevel)
    }

    private static func steps(_ field: JSONField, _ type: String) throws(TokenizerError) -> [PreTokenizerStep] {
        switch type {
        case "ByteLevel":
            var steps: [PreTokenizerStep] = []
            if try field.flag("add_prefix_space", default: true) { steps.append(.prefixSpace) }
            if try field.flag("use_regex", default: true) {
                steps.append(.split(try RegularExpression(PreTokenizerPatterns.gpt2), .isolated, isInverted: false))
            }
            return steps
        case "Split":
            return [try split(field)]
        case "Digits":
            let pattern = try field.flag("individual_digits", default: false) ? #"\p{N}"# : #"\p{N}+"#
            return [.split(try RegularExpression(pattern), .isolated, isInverted: false)]
        case "Metaspace":
            let replacement = try field.member("replacement")?.text() ?? TokenSpelling.spaceMark
            guard !replacement.isEmpty else { throw .badField(field: "\(field.path).replacement", reason: "is empty") }
            return [
                .metaspace(
                    replacement: replacement, try prefixScheme(field), splits: try field.flag("split", default: true))
            ]
        default:
            throw .unsupported(
                field: "\(field.path).type", value: type,
                known: ["ByteLevel", "Digits", "Metaspace", "Sequence", "Split"])
        }
    }

    private static func split(_ field: JSONField) throws(TokenizerError) -> PreTokenizerStep {
        let name = try field.required("behavior").string()
        guard let behavior = SplitBehavior(rawValue: name) else {
            let known = SplitBehavior.allCases.map(\.rawValue)
            throw .unsupported(field: "\(field.path).behavior", value: name, known: known)
        }
        let isInverted = try field.flag("invert", default: false)
        if let pattern = try field.required("pattern").member("Regex") {
            return .split(try RegularExpression(try pattern.string()), behavior, isInverted: isInverted)
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
