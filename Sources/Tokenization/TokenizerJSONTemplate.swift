internal import Generation
internal import JSON

/// The `post_processor` of a tokenizer.json: tokens put before and after a text.
struct TokenizerJSONTemplate {
    private(set) var prefix: [TokenID] = []
    private(set) var suffix: [TokenID] = []

    /// nil when the file has no template.
    init?(_ field: JSONField?) throws(TokenizerError) {
        guard let field, let template = try Self.template(in: field) else { return nil }
        if try template.required("type").string() != "TemplateProcessing" {
            prefix = [try Self.pair(try template.required("cls"))]
            suffix = [try Self.pair(try template.required("sep"))]
            return
        }
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
        case "TemplateProcessing", "BertProcessing", "RobertaProcessing":
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
                field: "\(field.path).type", value: other,
                known: ["BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"])
        }
    }

    /// The id in a pair of a token's text and id.
    private static func pair(_ field: JSONField) throws(TokenizerError) -> TokenID {
        let parts = try field.elements()
        guard parts.count == 2 else { throw .badField(field: field.path, reason: "must be a text and an id") }
        return try id(parts[1])
    }

    private static func id(_ field: JSONField) throws(TokenizerError) -> TokenID {
        let id = try field.integer()
        guard let token = TokenID(exactly: id), id >= 0 else {
            throw .badField(field: field.path, reason: "\(id) is not a token id")
        }
        return token
    }

    private static func ids(named name: String, _ template: JSONField) throws(TokenizerError) -> [TokenID] {
        let list = try template.required("special_tokens").required(name).required("ids")
        return try list.elements().map { field throws(TokenizerError) in try id(field) }
    }
}
