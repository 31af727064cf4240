internal import Generation
internal import JSON

/// The `post_processor` of a tokenizer.json: tokens put before and after a text.
struct TokenizerJSONTemplate {
    private(set) var prefix: [TokenID] = []
    private(set) var suffix: [TokenID] = []

    /// nil when the file has no template.
    init?(_ field: JSONField?) throws(TokenizerError) {
        guard let field, let template = try Self.template(in: field) else { return nil }
        var hasText = false
        for item in try template.required("single").elements() {
            if item.member("Sequence") != nil {
                hasText = true
            } else {
                let ids = try Self.ids(named: try item.required("SpecialToken").required("id").string(), template)
                if hasText { suffix += ids } else { prefix += ids }
            }
        }
    }

    private static func template(in field: JSONField) throws(TokenizerError) -> JSONField? {
        switch try field.required("type").string() {
        case "TemplateProcessing":
            return field
        case "ByteLevel":
            return nil
        case "Sequence":
            for field in try field.required("processors").elements() {
                if let template = try template(in: field) { return template }
            }
            return nil
        case let other:
            throw .unsupported(
                field: "\(field.path).type", value: other, known: ["ByteLevel", "Sequence", "TemplateProcessing"])
        }
    }

    private static func ids(named name: String, _ template: JSONField) throws(TokenizerError) -> [TokenID] {
        var ids: [TokenID] = []
        for field in try template.required("special_tokens").required(name).required("ids").elements() {
            let id = try field.integer()
            guard let token = TokenID(exactly: id), id >= 0 else {
                throw .badField(field: field.path, reason: "\(id) is not a token id")
            }
            ids.append(token)
        }
        return ids
    }
}
