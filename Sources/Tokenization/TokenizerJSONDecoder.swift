internal import JSON

/// The `decoder` of a tokenizer.json, as far as it can be applied to each token by itself.
struct TokenizerJSONDecoder {
    private(set) var spelling: TokenSpelling
    /// The decoded text loses one space at its start.
    private(set) var stripsLeadingSpace = false

    private var replacements: [TokenSpelling.Replacement] = []
    private var hasByteTokens = false
    private var isFused = false
    private var isByteLevel = false
    private var wordPiece: TokenSpelling?

    /// Without a decoder, byte-level tokens are bytes and others literal text.
    init(_ field: JSONField?, isByteLevel: Bool) throws(TokenizerError) {
        spelling = .byteLevel
        if let field { try read(field) } else { self.isByteLevel = isByteLevel }
        spelling =
            wordPiece
            ?? (self.isByteLevel ? .byteLevel : .text(replacements: replacements, hasByteTokens: hasByteTokens))
    }

    private mutating func read(_ field: JSONField) throws(TokenizerError) {
        let type = try field.required("type").string()
        switch type {
        case "Sequence":
            for field in try field.required("decoders").elements() { try read(field) }
        case "ByteLevel":
            isByteLevel = true
        case "ByteFallback":
            hasByteTokens = true
        case "Fuse":
            isFused = true
        case "Replace" where !isFused:
            let pattern = try TokenizerJSONPipeline.literal(of: field)
            replacements.append(.init(pattern: pattern, content: try field.required("content").text()))
        case "Metaspace":
            let pattern = try field.member("replacement")?.text() ?? TokenSpelling.spaceMark
            replacements.append(.init(pattern: pattern, content: [UInt8(ascii: " ")]))
            stripsLeadingSpace = try TokenizerJSONPipeline.prefixScheme(field) != .never
        case "WordPiece":
            wordPiece = .wordPiece(
                WordPieceMarks(continuation: try field.member("prefix")?.text() ?? Array("##".utf8)),
                cleansUp: try field.flag("cleanup", default: true))
            stripsLeadingSpace = true
        case "Strip" where isFused:
            try readStrip(field)
        default:
            throw .unsupported(
                field: "\(field.path).type", value: type,
                known: [
                    "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace before Fuse", "Sequence",
                    "Strip after Fuse", "WordPiece",
                ])
        }
    }

    private mutating func readStrip(_ field: JSONField) throws(TokenizerError) {
        let content = try field.required("content").string()
        let (start, stop) = (try field.required("start").integer(), try field.required("stop").integer())
        guard content == " ", (0...1).contains(start), stop == 0 else {
            throw .unsupported(
                field: field.path, value: "Strip \"\(content)\" \(start) \(stop)", known: ["one space at the start"])
        }
        stripsLeadingSpace = start == 1
    }
}
